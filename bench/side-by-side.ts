import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchCase, cases } from './cases.ts'
import { checkProxy } from './check.ts'
import { autocannon } from './load/autocannon.ts'
import { connections, type LoadGenerator } from './load/generator.ts'
import { wrk } from './load/wrk.ts'
import { type Cores, chooseCores, describeMachine } from './machine.ts'
import { type Measured, measureCase, type Subject } from './measure.ts'
import { type BenchOptions, peerNames, UsageError } from './options.ts'
import { peers } from './peers/all.ts'
import { gatehouse, registerUpstream } from './peers/gatehouse.ts'
import type { Peer, PeerContext } from './peers/peer.ts'
import { announcedPort, findProgram, Processes, untilReady } from './processes.ts'
import { renderSummaries, summarise } from './report.ts'

/** What a run may touch of the process that it runs in. */
export interface BenchContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The Node binary that runs this. */
  readonly node: string
  /** The repository, and the folder of the compiled benchmark. */
  readonly root: string
  readonly compiled: string
  print(text: string): void
  /** Tells what is being done. */
  progress(text: string): void
  /** Ends every program that was started. */
  readonly stop: AbortSignal
  /** Runs when this process ends for whatever reason. */
  atExit(run: () => void): void
}

interface Run {
  readonly context: BenchContext
  readonly options: BenchOptions
  readonly cores: Cores
  readonly folder: string
  readonly processes: Processes
}

/**
 * Starts gatehouse and its peers, checks that all answer right, times them unless only the check is asked for, and
 * ends what it started. Rejects at the first thing that is wrong.
 */
export async function runSideBySide(options: BenchOptions, context: BenchContext): Promise<void> {
  const has = (program: string): boolean => findProgram(program, context.env.PATH ?? '') !== null
  const chosen = [gatehouse, ...choosePeers(options, has, context)]
  const selected = cases.filter(({ name }) => options.cases.includes(name))
  // A file that cannot be written is told before the run, not after it.
  if (options.json !== null) await appendFile(options.json, '')
  const processes = new Processes(context.env)
  context.atExit(() => processes.killNow())
  // Whatever is being waited for fails when its program ends.
  context.stop.addEventListener('abort', () => void processes.stop())
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const run: Run = { context, options, cores: chooseCores(has('taskset')), folder, processes }
    const subjects = await prepare(chosen, run)
    for (const { name, start } of subjects) {
      const { port, stop } = await start()
      await checkProxy(name, port, selected)
      await stop()
    }
    context.print(`right: ${names(chosen)}; cases ${names(selected)}\n`)
    if (!options.check) await timeAll(chosen, selected, subjects, createGenerator(run, has('wrk')), run)
  } finally {
    await processes.stop()
    await rm(folder, { recursive: true })
  }
}

const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(', ')

/** Those that were named, or those that are there; caddy only when it is named. */
function choosePeers(
  { peers: asked }: BenchOptions,
  has: (program: string) => boolean,
  { progress }: BenchContext,
): Peer[] {
  const wanted = peerNames
    .filter((name) => asked?.includes(name) ?? name !== 'caddy')
    .map((name) => peers[name])
  const missing = wanted.filter(({ program }) => program !== null && !has(program))
  if (missing.length > 0 && asked !== null) {
    throw new UsageError(missing.map(({ name }) => `--peers: expected ${name} on PATH, found none`))
  }
  if (missing.length > 0) progress(`not installed, so not measured: ${names(missing)}`)
  return wanted.filter((peer) => !missing.includes(peer))
}

/** Starts the upstream and the registry, and says how each proxy is started. */
async function prepare(
  chosen: readonly Peer[],
  { context, options, cores, folder, processes }: Run,
): Promise<Subject[]> {
  const { root, compiled, node } = context
  const helper = (name: string): Promise<number> => {
    const args = [join(compiled, `programs/${name}.js`)]
    return announcedPort(processes.start({ name, command: node, args, core: cores.load }))
  }
  const [upstreamPort, registryPort] = await Promise.all([helper('upstream'), helper('registry')])
  await registerUpstream(registryPort, upstreamPort)
  const peerContext: PeerContext = {
    processes,
    core: cores.proxy,
    root,
    compiled,
    folder,
    node: options.node ?? node,
    upstreamPort,
    registryPort,
  }
  return chosen.map((peer) => ({
    name: peer.name,
    async start() {
      const { started, port } = await peer.start(peerContext)
      await untilReady(started, 'it to reach the upstream', () => isServed(port))
      return { pid: started.pid, port, stop: () => started.stop() }
    },
  }))
}

async function isServed(port: number): Promise<true | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/small`, { signal: AbortSignal.timeout(1_000) })
    await answer.arrayBuffer()
    return answer.status === 200 ? true : null
  } catch {
    return null
  }
}

function createGenerator(
  { context, options, cores, folder, processes }: Run,
  hasWrk: boolean,
): LoadGenerator {
  const run = processes.runner(cores.load)
  if ((options.load ?? (hasWrk ? 'wrk' : 'autocannon')) === 'wrk') return wrk(run, folder)
  const program = join(context.root, 'node_modules/autocannon/autocannon.js')
  return autocannon({ run, node: context.node, program, folder })
}

async function timeAll(
  chosen: readonly Peer[],
  selected: readonly BenchCase[],
  subjects: readonly Subject[],
  generator: LoadGenerator,
  { context, options, cores, processes }: Run,
): Promise<void> {
  const { print, progress } = context
  const { rounds, seconds, warmUps } = options
  const at = new Date().toISOString()
  const machine = describeMachine()
  const versions = await versionsOf(chosen, options.node ?? context.node, context.root, processes)
  print(`${machine.cores} cores, ${machine.model}, Linux ${machine.kernel}, `)
  print(`load average ${machine.loadAverage.join(' ')}\n`)
  for (const [name, version] of Object.entries(versions)) print(`${name}: ${version}\n`)
  print(`${pinning(cores)}\n`)
  print(
    `${generator.name}, ${connections} connections, rounds: ${rounds} of ${seconds} s after ${warmUps} s of warm-up\n`,
  )

  const results: (Pick<BenchCase, 'name' | 'says'> & { readonly measured: readonly Measured[] })[] = []
  for (const benchCase of selected) {
    const { name, says } = benchCase
    const measured = await measureCase(benchCase, subjects, { rounds, seconds, warmUps, generator, progress })
    results.push({ name, says, measured })
    print(`\n${name}: ${says}\n${renderSummaries(summarise(measured))}`)
  }
  if (options.json === null) return
  const report = {
    at,
    machine,
    versions,
    cores,
    load: { name: generator.name, connections },
    rounds,
    seconds,
    warmUps,
    cases: results.map((result) => ({ ...result, summary: summarise(result.measured) })),
  }
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
}

async function versionsOf(
  chosen: readonly Peer[],
  node: string,
  root: string,
  processes: Processes,
): Promise<Record<string, string>> {
  const run = processes.runner(null)
  const versions: Record<string, string> = {}
  for (const peer of chosen) versions[peer.name] = await peer.version({ root }, run)
  versions.node = (await run(node, ['--version'])).trim()
  return versions
}

const pinning = ({ proxy, load }: Cores): string =>
  proxy === null
    ? 'nobody is held on a core (taskset or a second core is missing): compare with care'
    : `proxies on core ${proxy}, load and upstream on core ${load}`
