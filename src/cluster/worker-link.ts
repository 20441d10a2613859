import { StartError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { WriteOut } from '../observe/access-log/output-sink.ts'
import type { MetricsSnapshot } from '../observe/snapshot.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { SnapshotUnpacker } from './packed-snapshot.ts'

/** A process of the traffic plane, as the supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number
  /** @param handle a port that rides along */
  send(message: ToWorker, handle?: object): void
  onMessage(told: (message: FromWorker) => void): void
  /** Called once, with words on how it ended. */
  onExit(told: (how: string) => void): void
  kill(): void
}

/**
 * What a worker may take from its start to its open ports; milliseconds. Long, because who is ended on a machine that
 * has too much to do makes it do even more.
 */
const startDeadlineMs = 30_000
/** What it may take for its figures before those of last time are used; milliseconds. */
const metricsDeadlineMs = 500
/** What it may take to say how many requests it answers, when the end is near; milliseconds. */
const runningDeadlineMs = 200
/** Beyond the time that it was given for running requests; milliseconds. */
const drainGraceMs = 2_000

export interface WorkerLinkParts {
  readonly world: World
  readonly log: Log
  /** Where lines of the worker's log go. */
  print(text: string): void
  /** Where its access log goes that goes to stdout. */
  writeOut: WriteOut
  /** Passes on to all other workers what this one has let pass of what is limited. */
  share(from: WorkerLink, taken: ToWorker & { readonly kind: 'taken' }): void
}

/** The main process's end of one worker: what it is told, and what it says. */
export class WorkerLink {
  readonly number: number
  readonly child: WorkerProcess
  readonly startedAt: number
  /** What it had counted when it was last heard of. */
  last: MetricsSnapshot
  readonly #parts: WorkerLinkParts
  readonly #unpacker = new SnapshotUnpacker()
  /** By the numbers of their questions. */
  readonly #asked = new Map<number, (answer: FromWorker | null) => void>()
  #question = 0
  /** It was told what to serve. */
  #hasBegun = false
  #settle: ((mistake: StartError | null) => void) | null = null
  #drained: ((cut: number) => void) | null = null
  #leaving: Promise<number> | null = null

  /**
   * @param nothing what it has counted before it is heard of
   * @param begin what it is to serve, at the moment when it is ready to hear of it
   */
  constructor(
    number: number,
    child: WorkerProcess,
    parts: WorkerLinkParts,
    nothing: MetricsSnapshot,
    begin: () => { readonly ports: readonly object[]; readonly start: WorkerStart },
  ) {
    this.number = number
    this.child = child
    this.#parts = parts
    this.last = nothing
    this.startedAt = parts.world.clock.monotonic()
    child.onMessage((message) => {
      if (message.kind !== 'ready') {
        this.#heard(message)
        return
      }
      // It is not wanted any more, and its ports are gone: it would bind them for itself.
      if (this.isLeaving) return
      this.#hasBegun = true
      const { ports, start } = begin()
      for (const handle of ports) child.send({ kind: 'port' }, handle)
      child.send(start)
    })
  }

  get #name(): string {
    return `worker ${this.number} (pid ${this.child.pid})`
  }

  /** Resolves once it serves, with null; with the mistakes when it cannot. */
  started(): Promise<StartError | null> {
    const { world, log } = this.#parts
    return new Promise((resolve) => {
      const cancel = world.clock.after(startDeadlineMs, () => {
        log.error('cluster', 'worker-hangs', `${this.#name}: no word within ${startDeadlineMs / 1000} s`)
        this.child.kill()
      })
      this.#settle = (outcome) => {
        cancel()
        this.#settle = null
        resolve(outcome)
      }
    })
  }

  #heard(message: FromWorker): void {
    switch (message.kind) {
      case 'listening':
        this.#parts.log.info('cluster', 'worker-serves', `${this.#name} serves`)
        this.#settle?.(null)
        break
      case 'failed':
        this.#settle?.(new StartError(message.mistakes))
        this.child.kill()
        break
      case 'metrics':
        this.last = this.#unpacker.unpack(message.snapshot)
        this.#asked.get(message.question)?.(message)
        break
      case 'running':
        this.#asked.get(message.question)?.(message)
        break
      case 'drained':
        this.last = this.#unpacker.unpack(message.snapshot)
        this.#drained?.(message.cut)
        break
      case 'taken':
        this.#parts.share(this, message)
        break
      case 'output':
        // The memory is its own: it came over the border of a process.
        this.#parts.writeOut(
          Buffer.from(message.octets.buffer, message.octets.byteOffset, message.octets.length),
          (error) => this.child.send({ kind: 'output-done', error: error === null ? null : error.message }),
        )
        break
      case 'log':
        this.#parts.print(message.text)
        break
    }
  }

  ended(how: string): void {
    this.#settle?.(new StartError(`worker ${this.number} ended before it served: ${how}`))
    for (const answer of this.#asked.values()) answer(null)
    this.#drained?.(0)
  }

  /** Resolves with what it says; with null where it does not say it in time. */
  #ask(kind: 'metrics' | 'running', deadlineMs: number): Promise<FromWorker | null> {
    const question = ++this.#question
    return new Promise((resolve) => {
      const answer = (message: FromWorker | null): void => {
        cancel()
        this.#asked.delete(question)
        resolve(message)
      }
      const cancel = this.#parts.world.clock.after(deadlineMs, () => answer(null))
      this.#asked.set(question, answer)
      this.child.send({ kind, question })
    })
  }

  /** What it has counted, or had when it was last heard of. */
  async metrics(): Promise<MetricsSnapshot> {
    await this.#ask('metrics', metricsDeadlineMs)
    return this.last
  }

  /** How many requests it is answering; 0 where it does not say so at once. */
  async running(): Promise<number> {
    const answer = await this.#ask('running', runningDeadlineMs)
    return answer?.kind === 'running' ? answer.count : 0
  }

  /** Resolves with how many requests were cut, once it serves nobody. One that is leaving already has the time it has. */
  drain(ms: number): Promise<number> {
    this.#leaving ??= this.#leave(ms)
    return this.#leaving
  }

  get isLeaving(): boolean {
    return this.#leaving !== null
  }

  #leave(ms: number): Promise<number> {
    // It serves nobody yet, and would not hear of it.
    if (!this.#hasBegun) {
      this.child.kill()
      return Promise.resolve(0)
    }
    return new Promise((resolve) => {
      const cancel = this.#parts.world.clock.after(ms + drainGraceMs, () => this.#drained?.(0))
      this.#drained = (cut) => {
        cancel()
        this.#drained = null
        resolve(cut)
        this.child.kill()
      }
      this.child.send({ kind: 'drain', ms })
    })
  }
}
