// Gets the programs that the tests run against, where they are not there yet and this machine can get them: a real
// Consul and a real Chromium. What cannot be had is left to the tests, which then fail and say what to install.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const run = (command, args, options = {}) => spawnSync(command, args, { encoding: 'utf8', ...options })
const has = (name) => run('sh', ['-c', `command -v ${name}`]).status === 0
const isRoot = process.getuid?.() === 0

/** Debian dropped Consul after bullseye, so it is taken from there whatever this machine's own release is. */
const suite = 'bullseye'
const consul = join(root, '.cache/consul/usr/bin/consul')

/**
 * Unpacks Debian's package of Consul below .cache, with an apt state of its own: nothing of the system is changed and
 * nobody has to be root. The mirror is the one that this machine uses.
 */
function fetchConsul() {
  const apt = join(root, '.cache/apt')
  rmSync(apt, { recursive: true, force: true })
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'empty']) {
    mkdirSync(join(apt, folder), { recursive: true })
  }
  const mirrors = debianMirrors()
  if (mirrors.length === 0) return
  writeFileSync(join(apt, 'sources.list'), mirrors.map((mirror) => `deb ${mirror} ${suite} main\n`).join(''))
  const options = [
    ['Dir::Etc::SourceList', join(apt, 'sources.list')],
    ['Dir::Etc::SourceParts', join(apt, 'empty')],
    ['Dir::Etc::PreferencesParts', join(apt, 'empty')],
    ['Dir::State', join(apt, 'state')],
    ['Dir::Cache', join(apt, 'cache')],
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`])
  console.log(`fetching Debian's package of Consul`)
  if (run('apt-get', [...options, 'update'], { stdio: 'ignore' }).status !== 0) return
  if (run('apt-get', [...options, 'download', 'consul'], { cwd: apt, stdio: 'ignore' }).status !== 0) return
  const [archive] = readdirSync(apt).filter((name) => name.endsWith('.deb'))
  if (archive !== undefined) run('dpkg-deb', ['-x', join(apt, archive), join(root, '.cache/consul')])
}

/** The addresses of the main archive that this machine's apt is set to, in either form of its lists. */
function debianMirrors() {
  const files = ['/etc/apt/sources.list']
  if (existsSync('/etc/apt/sources.list.d')) {
    files.push(...readdirSync('/etc/apt/sources.list.d').map((name) => `/etc/apt/sources.list.d/${name}`))
  }
  const mirrors = new Set()
  for (const file of files.filter((name) => existsSync(name))) {
    const text = readFileSync(file, 'utf8').replace(/^\s*#.*$/gm, '')
    for (const [, address] of text.matchAll(/^\s*(?:deb(?:\s+\[[^\]]*\])?|URIs:)\s+(\S+)/gm)) {
      if (/\/debian\/?$/.test(address)) mirrors.add(address)
    }
  }
  return [...mirrors]
}

if (!process.env.CONSUL_BIN && !has('consul') && !existsSync(consul) && has('apt-get') && has('dpkg-deb')) {
  fetchConsul()
}

const browsers = ['chromium', 'chromium-browser', 'google-chrome']
if (!process.env.CHROMIUM_BIN && !browsers.some(has) && has('apt-get') && isRoot) {
  console.log(`installing Debian's package of Chromium`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update'], { stdio: 'ignore', env })
  run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { stdio: 'ignore', env })
}
