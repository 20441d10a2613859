// What `npm start`, `npm test` and `npm run bench` need and a fresh clone has not: dependencies and a build. Each is
// skipped where it was done for these very files. `--test` adds the programs that the tests run against.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`gatehouse needs Node.js 20.19 or newer, this is ${process.versions.node}`)
  process.exit(1)
}

// Told to this process by the npm that runs it; a child npm would read them as its own options and warn.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)))

function npm(...args) {
  const { status, error } = spawnSync('npm', args, { cwd: root, stdio: 'inherit', env })
  if (error !== undefined) console.error(`npm ${args.join(' ')}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

const lockStamp = join(root, 'node_modules/.gatehouse-lock')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
if (!existsSync(lockStamp) || readFileSync(lockStamp, 'utf8') !== lock) {
  console.log('installing dependencies')
  npm('ci', '--no-audit', '--no-fund', '--loglevel', 'error')
  writeFileSync(lockStamp, lock)
}

/** When the newest file below a path was written, in ms since the epoch. */
function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs)
}

const built = join(root, 'dist/.built')
const sources = ['src', 'ui', 'tsconfig.json', 'tsconfig.build.json', 'vite.config.ts', 'package.json']
const isBuilt =
  existsSync(built) && sources.every((name) => newest(join(root, name)) <= statSync(built).mtimeMs)
if (!isBuilt) {
  console.log('building')
  npm('run', '--silent', 'build')
  writeFileSync(built, '')
}

if (process.argv.includes('--test')) await import('./tools.mjs')
