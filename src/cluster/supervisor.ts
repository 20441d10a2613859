import { Backoff } from '../base/backoff.ts'
import { StartError } from '../base/errors.ts'
import type { Log, LogLevel } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { boundsOf } from '../observe/metrics.ts'
import { addSnapshots, emptySnapshot, type MetricsSnapshot, ofThePast } from '../observe/snapshot.ts'
import type { ServiceRoutes } from '../route/definition.ts'
import { createTraffic, type OpenPort, type Traffic, type TrafficOptions } from '../traffic.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** A process of the traffic plane, as the supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number
  send(message: ToWorker): void
  onMessage(told: (message: FromWorker) => void): void
  /** Called once, with words on how it ended. */
  onExit(told: (how: string) => void): void
  kill(): void
}

export interface SupervisorOptions {
  /** `proxy.workers`; 2 or more. */
  readonly workers: number
  readonly logLevel: LogLevel
  /** `proxy.shutdownwait`: what a worker that is replaced has for its running requests; milliseconds. */
  readonly shutdownWait: number
}

export interface SupervisorParts {
  readonly world: World
  readonly log: Log
  newId(): string
  fork(): WorkerProcess
  /** Where lines of the workers' logs go. */
  print(text: string): void
}

/** A traffic plane of several processes. */
export interface Supervisor extends Traffic {
  /** Puts a fresh process in the place of each, one after the other. */
  replaceWorkers(): Promise<void>
  /** The processes that serve. */
  pids(): readonly number[]
}

/** What a worker may take from its start to its open ports; milliseconds. */
const startDeadlineMs = 10_000
/** What it may take for its figures before those of last time are used; milliseconds. */
const metricsDeadlineMs = 500
/** Beyond the time that it was given for running requests; milliseconds. */
const drainGraceMs = 2_000
/** A worker that lived so long had no bad start; milliseconds. */
const goodLifeMs = 10_000

/**
 * Runs the traffic plane in one process per core. The control plane talks to it as to one: changes go to all workers as
 * deltas, a fresh one gets the whole table first, figures are summed, and who dies is replaced while the others serve.
 */
export function createSupervisor(
  options: SupervisorOptions,
  trafficOptions: TrafficOptions,
  parts: SupervisorParts,
): Supervisor {
  const { world, log } = parts
  // The table as the workers have it, for questions about it. It serves nobody.
  const local = createTraffic({ ...trafficOptions, listeners: [] }, parts)
  const services = new Map<string, ServiceRoutes>()
  const workers = new Map<number, Worker>()
  const nothing = emptySnapshot(boundsOf(trafficOptions.metrics.buckets))
  /** What processes that are gone have counted. */
  let gone = nothing
  let noRoutePage = ''
  let version = 0
  let question = 0
  let isStopping = false

  /** One place of the plane; its process may change. */
  class Worker {
    readonly number: number
    readonly child: WorkerProcess
    readonly startedAt = world.clock.monotonic()
    isServing = false
    isLeaving = false
    applied = 0
    last = nothing
    readonly #asked = new Map<number, (snapshot: MetricsSnapshot) => void>()
    #settle: ((ports: readonly OpenPort[] | StartError) => void) | null = null
    #drained: ((cut: number) => void) | null = null

    constructor(number: number, child: WorkerProcess) {
      this.number = number
      this.child = child
      child.onMessage((message) => this.#heard(message))
    }

    /** Resolves once it serves; with the mistakes when it cannot. */
    started(): Promise<readonly OpenPort[] | StartError> {
      return new Promise((resolve) => {
        const cancel = world.clock.after(startDeadlineMs, () => {
          log.error(
            'cluster',
            'worker-hangs',
            `worker ${this.number} (pid ${this.child.pid}): no word within ${startDeadlineMs / 1000} s`,
          )
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
        case 'ready':
          this.applied = version
          this.child.send({
            kind: 'start',
            number: this.number,
            // Workers that all begin with the first instance would send it their first requests together.
            options: { ...trafficOptions, startAt: (this.number - 1) / options.workers },
            logLevel: options.logLevel,
            services: [...services.values()],
            noRoutePage,
          })
          break
        case 'listening':
          this.isServing = true
          this.#settle?.(message.ports)
          break
        case 'failed':
          this.#settle?.(new StartError(message.mistakes))
          break
        case 'applied':
          this.applied = message.version
          break
        case 'metrics':
          this.last = message.snapshot
          this.#asked.get(message.question)?.(message.snapshot)
          break
        case 'drained':
          this.last = message.snapshot
          this.#drained?.(message.cut)
          break
        case 'log':
          parts.print(message.text)
          break
      }
    }

    ended(how: string): void {
      this.#settle?.(new StartError(`worker ${this.number} ended before it served: ${how}`))
      for (const answer of this.#asked.values()) answer(this.last)
      this.#drained?.(0)
    }

    metrics(): Promise<MetricsSnapshot> {
      const number = ++question
      return new Promise((resolve) => {
        const answer = (snapshot: MetricsSnapshot): void => {
          cancel()
          this.#asked.delete(number)
          resolve(snapshot)
        }
        const cancel = world.clock.after(metricsDeadlineMs, () => answer(this.last))
        this.#asked.set(number, answer)
        this.child.send({ kind: 'metrics', question: number })
      })
    }

    /** Resolves with how many requests were cut, once it serves nobody. */
    drain(ms: number): Promise<number> {
      this.isLeaving = true
      return new Promise((resolve) => {
        const cancel = world.clock.after(ms + drainGraceMs, () => this.#drained?.(0))
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

  const backoffs = new Map<number, Backoff>()
  const backoffOf = (number: number): Backoff => {
    const known = backoffs.get(number) ?? new Backoff({ firstMs: 200, maxMs: 10_000, random: world.random })
    backoffs.set(number, known)
    return known
  }

  /** Starts a process for this place. */
  async function start(number: number): Promise<readonly OpenPort[] | StartError> {
    const worker = new Worker(number, parts.fork())
    const previous = workers.get(number)
    worker.child.onExit((how) => ended(worker, how))
    workers.set(number, worker)
    const outcome = await worker.started()
    if (outcome instanceof StartError && workers.get(number) === worker && previous?.isServing === true) {
      workers.set(number, previous)
    }
    return outcome
  }

  function ended(worker: Worker, how: string): void {
    worker.isServing = false
    const { number } = worker
    // What it counted is not forgotten; what was open is open no more.
    gone = addSnapshots([gone, ofThePast(worker.last)])
    worker.last = nothing
    worker.ended(how)
    if (workers.get(number) === worker) workers.delete(number)
    if (isStopping || worker.isLeaving) return
    const backoff = backoffOf(number)
    if (world.clock.monotonic() - worker.startedAt > goodLifeMs) backoff.succeeded()
    const pause = backoff.next()
    log.error(
      'cluster',
      'worker-died',
      `worker ${number} (pid ${worker.child.pid}): ${how}; another starts in ${Math.round(pause)} ms`,
    )
    world.clock.after(pause, () => {
      if (!isStopping && !workers.has(number)) void restart(number)
    })
  }

  async function restart(number: number): Promise<void> {
    const outcome = await start(number)
    if (outcome instanceof StartError) log.error('cluster', 'worker-failed', outcome.message)
    else log.info('cluster', 'worker-back', `worker ${number} serves again`)
  }

  const tellAll = (message: ToWorker): void => {
    for (const worker of workers.values()) worker.child.send(message)
  }

  return {
    apply(changes) {
      for (const change of changes) {
        if (change.definitions.length === 0) services.delete(change.service)
        else services.set(change.service, change)
      }
      version++
      tellAll({ kind: 'apply', version, changes })
      return local.apply(changes)
    },
    setNoRoutePage(html) {
      noRoutePage = html
      local.setNoRoutePage(html)
      tellAll({ kind: 'no-route-page', html })
    },
    explain: (request) => local.explain(request),
    async metrics() {
      const snapshots = await Promise.all([...workers.values()].map((worker) => worker.metrics()))
      return addSnapshots([gone, ...snapshots])
    },
    async listen() {
      // The first alone: it settles the ports that were asked for as 0, and what cannot be opened is said once.
      const ports = await start(1)
      if (ports instanceof StartError) {
        isStopping = true
        throw ports
      }
      const others: Promise<readonly OpenPort[] | StartError>[] = []
      for (let number = 2; number <= options.workers; number++) others.push(start(number))
      for (const outcome of await Promise.all(others)) {
        if (outcome instanceof StartError) log.error('cluster', 'worker-failed', outcome.message)
      }
      return ports
    },
    async drain(ms) {
      isStopping = true
      const cut = await Promise.all([...workers.values()].map((worker) => worker.drain(ms)))
      await local.drain(0)
      return cut.reduce((sum, count) => sum + count, 0)
    },
    async replaceWorkers() {
      for (const [number, old] of [...workers]) {
        if (isStopping) return
        const outcome = await start(number)
        if (outcome instanceof StartError) {
          log.error('cluster', 'worker-failed', `${outcome.message}; the old one serves on`)
          return
        }
        await old.drain(options.shutdownWait)
        log.info('cluster', 'worker-replaced', `worker ${number} was replaced`)
      }
    },
    pids: () => [...workers.values()].map(({ child }) => child.pid),
  }
}
