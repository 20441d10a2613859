import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { autocannon } from './load/autocannon.ts'
import type { LoadGenerator } from './load/generator.ts'
import { wrk } from './load/wrk.ts'
import { type Cores, chooseCores, describeMachine } from './machine.ts'
import type { Subject } from './measure.ts'
import { type BenchOptions, peerNames, UsageError } from './options.ts'
import { peers } from './peers/all.ts'
import { gatehouse, gatehouseWith, registerUpstream } from './peers/gatehouse.ts'
import type { Peer, PeerContext } from './peers/peer.ts'
import { announcedPort, findProgram, Processes, untilReady } from './processes.ts'

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

/** Where a benchmark takes place: an upstream and a registry that run, and whatever else is started. */
export interface Stage {
  readonly context: BenchContext
  readonly options: BenchOptions
  readonly cores: Cores
  readonly folder: string
  readonly processes: Processes
  readonly upstreamPort: number
  readonly registryPort: number
  has(program: string): boolean
}

/** Sets the stage, and ends what was started on it, however the run ends. */
export async function onStage(
  options: BenchOptions,
  context: BenchContext,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const has = (program: string): boolean => findProgram(program, context.env.PATH ?? '') !== null
  // A file that cannot be written is told before the run, not after it.
  if (options.json !== null) await appendFile(options.json, '')
  const processes = new Processes(context.env)
  context.atExit(() => processes.killNow())
  // Whatever is being waited for fails when its program ends.
  context.stop.addEventListener('abort', () => void processes.stop())
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const cores = chooseCores(has('taskset'))
    const helper = (name: string): Promise<number> => {
      const args = [join(context.compiled, `programs/${name}.js`)]
      return announcedPort(processes.start({ name, command: context.node, args, core: cores.load }))
    }
    const [upstreamPort, registryPort] = await Promise.all([helper('upstream'), helper('registry')])
    await registerUpstream(registryPort, upstreamPort)
    await run({ context, options, cores, folder, processes, upstreamPort, registryPort, has })
  } finally {
    await processes.stop()
    await rm(folder, { recursive: true })
  }
}

export const names = (list: readonly { readonly name: string }[]): string =>
  list.map(({ name }) => name).join(', ')

/** Gatehouse, its variants, and those beside it that were named or are there; caddy only when it is named. */
export function choosePeers({ options, context, has }: Stage): Peer[] {
  const wanted = peerNames
    .filter((name) => options.peers?.includes(name) ?? name !== 'caddy')
    .map((name) => peers[name])
  const missing = wanted.filter(({ program }) => program !== null && !has(program))
  if (missing.length > 0 && options.peers !== null) {
    throw new UsageError(missing.map(({ name }) => `--peers: expected ${name} on PATH, found none`))
  }
  if (missing.length > 0) context.progress(`not installed, so not measured: ${names(missing)}`)
  const variants = options.variants.map(({ name, lines }) => gatehouseWith(`gatehouse+${name}`, lines))
  return [gatehouse, ...variants, ...wanted.filter((peer) => !missing.includes(peer))]
}

/** Client connections that the configurations have room for. */
const usualClients = 4_096

/**
 * How a proxy is started.
 *
 * @param core that it is held on; null: any
 */
export function subjectOf(peer: Peer, stage: Stage, core: number | null = stage.cores.proxy): Subject {
  const { context, options, folder, processes, upstreamPort, registryPort } = stage
  const { root, compiled, node } = context
  const peerContext: PeerContext = {
    processes,
    core,
    root,
    compiled,
    folder,
    node: options.node ?? node,
    upstreamPort,
    registryPort,
    clients: options.idle === null ? usualClients : options.idle + 256,
  }
  return {
    name: peer.name,
    host: peer.host,
    async start() {
      const { started, port } = await peer.start(peerContext)
      await untilReady(started, 'it to reach the upstream', () => isServed(port, peer.host))
      return { pid: started.pid, port, stop: () => started.stop() }
    },
  }
}

/** @param host that the proxy serves; null: any */
function isServed(port: number, host: string | null): Promise<true | null> {
  return new Promise((resolve) => {
    const headers = host === null ? {} : { host }
    const signal = AbortSignal.timeout(1_000)
    const sent = request(
      { host: '127.0.0.1', port, path: '/small', headers, signal, agent: false },
      (answer) => {
        answer.resume()
        answer.on('error', () => resolve(null))
        answer.on('end', () => resolve(answer.statusCode === 200 ? true : null))
      },
    )
    sent.on('error', () => resolve(null))
    sent.end()
  })
}

/** @param threads of the generator, where it can have more than one */
export function createGenerator({ context, options, cores, folder, processes, has }: Stage): LoadGenerator {
  const run = processes.runner(cores.load)
  if ((options.load ?? (has('wrk') ? 'wrk' : 'autocannon')) === 'wrk') return wrk(run, folder)
  const program = join(context.root, 'node_modules/autocannon/autocannon.js')
  return autocannon({ run, node: context.node, program, folder })
}

/** What the figures are made on and with. Prints it. */
export async function describeStage(stage: Stage, chosen: readonly Peer[]) {
  const { context, options, cores, processes } = stage
  const { print, root } = context
  const machine = describeMachine()
  const run = processes.runner(null)
  const versions: Record<string, string> = {}
  for (const peer of chosen) versions[peer.name] = await peer.version({ root }, run)
  versions.node = (await run(options.node ?? context.node, ['--version'])).trim()
  print(`${machine.cores} cores, ${machine.model}, Linux ${machine.kernel}, `)
  print(`load average ${machine.loadAverage.join(' ')}\n`)
  for (const [name, version] of Object.entries(versions)) print(`${name}: ${version}\n`)
  print(`${pinning(cores)}\n`)
  return { machine, versions }
}

const pinning = ({ proxy, load }: Cores): string =>
  proxy === null
    ? 'nobody is held on a core (taskset or a second core is missing): compare with care'
    : `proxies on core ${proxy}, load and upstream on core ${load}`
