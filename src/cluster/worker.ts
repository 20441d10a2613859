import { randomUUID } from 'node:crypto'
import { messageOf, StartError } from '../base/errors.ts'
import { createLog } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { createTraffic, type Traffic, type TrafficProcess, type WorkerSelf } from '../traffic.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { SnapshotPacker } from './packed-snapshot.ts'

/** The way to the main process. */
export interface WorkerChannel {
  send(message: FromWorker): void
  /** `handle`: what the system calls a port, where one rides along. */
  onMessage(told: (message: ToWorker, handle: object | undefined) => void): void
}

/** The process itself. */
export type OwnProcess = Pick<WorkerSelf, 'pid' | 'hostname' | 'usage'>

/** The traffic plane in a process of its own: does what the main process says, until that lets it go. */
export function runWorker(channel: WorkerChannel, world: World, own: OwnProcess): void {
  let traffic: TrafficProcess | null = null
  const packer = new SnapshotPacker()
  const boundPorts: object[] = []
  const output = new Output(channel)
  channel.onMessage((message, handle) => {
    if (message.kind === 'port') {
      if (handle !== undefined) boundPorts.push(handle)
      return
    }
    if (message.kind === 'start') {
      traffic = start(message, boundPorts, channel, world, { ...own, writeOut: output.write })
      return
    }
    if (traffic === null) return
    switch (message.kind) {
      case 'apply':
        traffic.apply(message.changes)
        break
      case 'no-route-page':
        traffic.setNoRoutePage(message.html)
        break
      case 'metrics': {
        const { question } = message
        void traffic
          .metrics()
          .then((snapshot) => channel.send({ kind: 'metrics', question, snapshot: packer.pack(snapshot) }))
        break
      }
      case 'running': {
        const { question } = message
        void traffic.running().then((count) => channel.send({ kind: 'running', question, count }))
        break
      }
      case 'taken':
        traffic.hearTaken(message.tokens)
        break
      case 'reopen-logs':
        traffic.reopenLogs()
        break
      case 'output-done':
        output.isDone(message.error)
        break
      case 'drain':
        void drain(traffic, message.ms, channel, packer)
        break
    }
  })
  channel.send({ kind: 'ready' })
}

function start(
  { number, options, log: logOptions, services, noRoutePage }: WorkerStart,
  boundPorts: readonly object[],
  channel: WorkerChannel,
  world: World,
  own: OwnProcess & Pick<WorkerSelf, 'writeOut'>,
): TrafficProcess {
  const write = (text: string): void => channel.send({ kind: 'log', text })
  const log = createLog(logOptions, { clock: world.clock, write, worker: number })
  const traffic = createTraffic(options, {
    world,
    log,
    newId: randomUUID,
    boundPorts,
    self: { number, ...own },
    tellTaken: (tokens) => channel.send({ kind: 'taken', tokens }),
  })
  traffic.apply(services)
  traffic.setNoRoutePage(noRoutePage)
  traffic.listen().then(
    () => channel.send({ kind: 'listening' }),
    (error: unknown) =>
      channel.send({
        kind: 'failed',
        mistakes: error instanceof StartError ? error.mistakes : [messageOf(error)],
      }),
  )
  return traffic
}

/** The standard output of the main process, so that lines of several processes do not run into each other. */
class Output {
  readonly #channel: WorkerChannel
  #done: ((error: Error | null) => void) | null = null

  constructor(channel: WorkerChannel) {
    this.#channel = channel
  }

  readonly write: WorkerSelf['writeOut'] = (octets, done) => {
    this.#done = done
    this.#channel.send({ kind: 'output', octets })
  }

  isDone(error: string | null): void {
    this.#done?.(error === null ? null : new Error(error))
  }
}

async function drain(
  traffic: Traffic,
  ms: number,
  channel: WorkerChannel,
  packer: SnapshotPacker,
): Promise<void> {
  const cut = await traffic.drain(ms)
  channel.send({ kind: 'drained', cut, snapshot: packer.pack(await traffic.metrics()) })
}
