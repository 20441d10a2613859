import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { residentKiB } from './memory.ts'
import type { BenchOptions } from './options.ts'
import { untilReady } from './processes.ts'
import { renderSpread, renderTable } from './report.ts'
import { type BenchContext, choosePeers, describeStage, onStage, type Stage, subjectOf } from './stage.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** What memory takes to come to rest after a load, and after the connections are there. */
const restMs = 2_000
/** Requests over new connections, asked for while all others are idle. */
const asked = 100

interface Held {
  readonly name: string
  /** KiB for each idle connection. */
  readonly each: Spread
  /** Milliseconds for a request over a new connection beside them. */
  readonly fresh: Spread
}

/** Memory that idle client connections cost a proxy. Rejects at the first connection that is not kept. */
export const runIdle = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    const count = options.idle!
    const chosen = choosePeers(stage).filter(({ name }) => name !== 'fastify' && name !== 'undici')
    await describeStage(stage, chosen)
    context.print(`${count} idle connections, each after one request, rounds: ${options.rounds}\n\n`)
    const held: Held[] = []
    for (const peer of chosen) held.push(await measureIdle(peer, count, stage))
    context.print(
      renderTable(
        ['proxy', 'KiB each', 'new request ms'],
        held.map(({ name, each, fresh }) => [name, renderSpread(each, 1), renderSpread(fresh, 2)]),
      ),
    )
  })

async function measureIdle(
  peer: ReturnType<typeof choosePeers>[0],
  count: number,
  stage: Stage,
): Promise<Held> {
  const { context, options, processes, cores } = stage
  const each: number[] = []
  const fresh: number[] = []
  for (let round = 1; round <= options.rounds; round++) {
    context.progress(`${peer.name}, idle: round ${round} of ${options.rounds}`)
    const running = await subjectOf(peer, stage).start()
    await pause(restMs)
    const before = residentKiB(running.pid)
    const clients = processes.start({
      name: `${count} idle clients of ${peer.name}`,
      command: context.node,
      args: [join(context.compiled, 'programs/idle-clients.js'), String(running.port), String(count)],
      core: cores.load,
    })
    const areOpen = (): true | null => (clients.output().includes('all are open') ? true : null)
    await untilReady(clients, 'all connections to be kept', areOpen, 60_000)
    await pause(restMs)
    // Not after a load: what that had taken from the system and needs no more would hide what connections take.
    each.push((residentKiB(running.pid) - before) / count)
    for (let n = 0; n < asked; n++) fresh.push(await timeOfRequest(running.port))
    await clients.stop()
    await running.stop()
  }
  return { name: peer.name, each: spreadOf(each), fresh: spreadOf(fresh) }
}

/** Milliseconds. */
function timeOfRequest(port: number): Promise<number> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const agent = new Agent()
    get({ host: '127.0.0.1', port, path: '/small', agent }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(performance.now() - start))
    }).on('error', reject)
  })
}
