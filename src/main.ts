#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { access, constants, readdir, readFile } from 'node:fs/promises'
import { availableParallelism, hostname, networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { messageOf, StartError } from './base/errors.ts'
import type { ProcessUsage } from './base/process-usage.ts'
import { systemWorld } from './base/world.ts'
import type { Command, CommandContext } from './cli/command.ts'
import { forkWorker } from './cluster/fork.ts'

// Listened to before anything large is loaded: as the first process of a container this one gets no signal that it
// has no listener for, and `docker stop` would wait for its deadline.
let countRunning: () => Promise<number> = async () => 0
const stop = stopSignal()
// A log that nobody reads any more, or a full disk behind it, must not cost a request: lines are lost instead.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

/** What SIGHUP is for, where somebody has a use for it. */
let hangup: () => void = () => process.stderr.write('gatehouse: SIGHUP is ignored\n')

/** What SIGUSR2 is for, where there are workers. Without a listener it would end the process, and cut all requests. */
let replaceWorkers: () => void = () => process.stderr.write('gatehouse: SIGUSR2 is ignored\n')

/** What the main process starts its workers with; nobody else has a use for it. */
const workerCommand = 'worker'

/** Loaded when named: `version` must not wait for the gateway's libraries. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.ts')).run,
  dev: async () => (await import('./cli/dev.ts')).dev,
  check: async () => (await import('./cli/check.ts')).check,
  routes: async () => (await import('./cli/routes.ts')).routes,
  explain: async () => (await import('./cli/explain.ts')).explain,
  doctor: async () => (await import('./cli/doctor.ts')).doctor,
  health: async () => (await import('./cli/health.ts')).health,
}

async function main(): Promise<number> {
  const given = process.argv.slice(2)
  const isNamed = given[0] !== undefined && !given[0].startsWith('-')
  const name = isNamed ? given[0]! : 'run'
  const argv = isNamed ? given.slice(1) : given
  if (name === workerCommand && process.send !== undefined) return beWorker()
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const { wantsHelp, wantsVersion } = await import('./config/flags.ts')
  if (name === 'version' || wantsVersion(argv)) {
    process.stdout.write(`${version} node ${process.versions.node}\n`)
    return 0
  }
  if (name === 'help' || wantsHelp(argv)) {
    process.stdout.write((await import('./config/render.ts')).usage())
    return 0
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load === undefined) {
    const known = [...Object.keys(commands), 'version', 'help'].join(', ')
    process.stderr.write(`gatehouse: expected one of ${known}, got "${name}"\n`)
    return 2
  }
  const command = await load()
  return command(contextOf(argv, version))
}

/** A process of the traffic plane: lives as long as the main process wants it, whatever signals its group gets. */
async function beWorker(): Promise<number> {
  const { runWorker } = await import('./cluster/worker.ts')
  runWorker(
    {
      send: (message) => void process.send?.(message, undefined, {}, () => {}),
      onMessage: (told) => void process.on('message', told as (message: unknown, handle: unknown) => void),
    },
    systemWorld,
    { pid: process.pid, hostname: hostname(), usage },
  )
  return new Promise((resolve) => process.on('disconnect', () => resolve(1)))
}

/** What the system says of this process. */
function usage(): ProcessUsage {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapBytes: heapUsed,
    busySeconds: performance.eventLoopUtilization().active / 1000,
  }
}

function contextOf(argv: readonly string[], version: string): CommandContext {
  return {
    argv,
    env: process.env,
    interfaces: networkInterfaces() as CommandContext['interfaces'],
    hostname: hostname(),
    version,
    assets: fileURLToPath(new URL('./ui', import.meta.url)),
    world: systemWorld,
    readFile: (path) => readFile(path, 'utf8'),
    readFolder: (path) => readdir(path),
    print: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    writeOut: (octets, done) => void process.stdout.write(octets, (error) => done(error ?? null)),
    checkWritable,
    pid: process.pid,
    usage,
    cores: availableParallelism(),
    openFiles: openFilesLimit(),
    fork: () => forkWorker(fileURLToPath(import.meta.url), [workerCommand]),
    onHangup: (told) => {
      hangup = told
    },
    onReplaceWorkers: (told) => {
      replaceWorkers = told
    },
    stop,
    onHastyStop(count) {
      countRunning = count
    },
  }
}

/** A file that is not there yet can be written where its folder can. */
async function checkWritable(path: string): Promise<void> {
  await access(path, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return access(dirname(path), constants.W_OK)
  })
}

/** What Linux says of it; Node has raised the soft limit to the hard one when it began. */
function openFilesLimit(): number | null {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}

/** What it may take to count the requests that an end at once cuts; milliseconds. */
const hasteMs = 300

/** The first SIGINT or SIGTERM asks for an orderly end; the second does not wait for it, the third for nothing. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let isHasty = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isHasty) process.exit(1)
      if (stop.signal.aborted) {
        isHasty = true
        void endAtOnce(signal)
      } else stop.abort(new Error(`told to stop by ${signal}`))
    })
  }
  // A terminal that closes must not take the gateway with it (fabio reference 6.15).
  process.on('SIGHUP', () => hangup())
  process.on('SIGUSR2', () => replaceWorkers())
  return stop.signal
}

async function endAtOnce(signal: string): Promise<void> {
  systemWorld.clock.after(hasteMs, () => process.exit(1))
  const count = await countRunning().catch(() => 0)
  const cut = count === 1 ? '1 running request is cut' : `${count} running requests are cut`
  process.stderr.write(`gatehouse: second ${signal}: ending at once, ${cut}\n`, () => process.exit(1))
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    // Told to stop while something was still awaited: that is an orderly end, and no failure.
    if (stop.aborted && error === stop.reason) process.exit(0)
    const mistakes = error instanceof StartError ? error.mistakes : [messageOf(error)]
    for (const mistake of mistakes) process.stderr.write(`gatehouse: ${mistake}\n`)
    if (!(error instanceof StartError) && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    process.exit(error instanceof StartError ? error.exitCode : 1)
  },
)
