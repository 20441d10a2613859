import { Backoff } from '../base/backoff.ts'
import type { StartError } from '../base/errors.ts'
import type { Log, LogOptions } from '../base/log.ts'
import type { World } from '../base/world.ts'
import { type BoundPort, bindPort } from '../listen/bound-port.ts'
import type { WriteOut } from '../observe/access-log/output-sink.ts'
import { boundsOf } from '../observe/metrics.ts'
import { addSnapshots, emptySnapshot, type MetricsSnapshot, ofThePast } from '../observe/snapshot.ts'
import type { ServiceRoutes } from '../route/definition.ts'
import { createTraffic, type OpenPort, type Traffic, type TrafficOptions } from '../traffic.ts'
import type { ToWorker, WorkerStart } from './messages.ts'
import { WorkerLink, type WorkerLinkParts, type WorkerProcess } from './worker-link.ts'

export interface SupervisorOptions {
  /** `proxy.workers`; 2 or more. */
  readonly workers: number
  /** Of the workers. */
  readonly log: LogOptions
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
  /** Where their access log goes that goes to stdout. */
  writeOut: WriteOut
}

/** A traffic plane of several processes. */
export interface Supervisor extends Traffic {
  /** Puts a fresh process in the place of each, one after the other. */
  replaceWorkers(): Promise<void>
  /** The processes that serve. */
  pids(): readonly number[]
}

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
  const local = createTraffic({ ...trafficOptions, listeners: [] }, { ...parts, self: null })
  const services = new Map<string, ServiceRoutes>()
  /** Who serves, by their places in the plane. */
  const workers = new Map<number, WorkerLink>()
  /** Those, and fresh ones that do not serve yet, and those that leave: all hear of every change. */
  const alive = new Set<WorkerLink>()
  /** Places for which a process is on its way: two would serve there, and one of them be forgotten. */
  const starting = new Set<number>()
  const nothing = emptySnapshot(boundsOf(trafficOptions.metrics.buckets))
  /** What processes that are gone have counted. */
  let gone = nothing
  let noRoutePage = ''
  let isStopping = false
  let isToReplace = false
  let replacing: Promise<void> | null = null
  /** Held here, so that connections wait while no worker is there to take them. */
  let ports: readonly BoundPort[] = []
  const letGoOfPorts = (): void => {
    for (const port of ports) port.close()
    ports = []
  }

  const whole = (number: number): WorkerStart => ({
    kind: 'start',
    number,
    options: { ...trafficOptions, worker: { number, of: options.workers } },
    log: options.log,
    services: [...services.values()],
    noRoutePage,
  })

  const share: WorkerLinkParts['share'] = (from, taken) => {
    for (const other of workers.values()) if (other !== from) other.child.send(taken)
  }

  const backoffs = new Map<number, Backoff>()
  const backoffOf = (number: number): Backoff => {
    const known = backoffs.get(number) ?? new Backoff({ firstMs: 200, maxMs: 10_000, random: world.random })
    backoffs.set(number, known)
    return known
  }

  /** Starts a process for this place. */
  async function start(number: number): Promise<StartError | null> {
    const worker = new WorkerLink(number, parts.fork(), { ...parts, share }, nothing, () => ({
      ports: ports.map(({ handle }) => handle),
      start: whole(number),
    }))
    worker.child.onExit((how) => ended(worker, how))
    alive.add(worker)
    starting.add(number)
    const mistake = await worker.started()
    starting.delete(number)
    if (mistake === null) workers.set(number, worker)
    return mistake
  }

  function ended(worker: WorkerLink, how: string): void {
    const { number } = worker
    // What it counted is not forgotten; what was open is open no more.
    gone = addSnapshots([gone, ofThePast(worker.last)])
    worker.last = nothing
    worker.ended(how)
    alive.delete(worker)
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
      if (!isStopping && !workers.has(number) && !starting.has(number)) void restart(number)
    })
  }

  async function restart(number: number): Promise<void> {
    const mistake = await start(number)
    if (isStopping) return
    if (mistake !== null) log.error('cluster', 'worker-failed', mistake.message)
    else log.info('cluster', 'worker-back', `worker ${number} serves again`)
  }

  /** Who asks for it while it is done means what the workers begin with from now on: it is done once more. */
  async function replaceAll(): Promise<void> {
    while (isToReplace) {
      isToReplace = false
      for (const number of [...workers.keys()]) {
        const old = workers.get(number)
        // It has died: what comes in its place is fresh.
        if (old === undefined) continue
        if (isStopping) return
        const mistake = await start(number)
        if (mistake !== null) {
          log.error('cluster', 'worker-failed', `${mistake.message}; the old one serves on`)
          return
        }
        if (alive.has(old)) await old.drain(options.shutdownWait)
        log.info('cluster', 'worker-replaced', `worker ${number} was replaced`)
      }
    }
  }

  /** Binds all ports, or none. */
  async function bindPorts(): Promise<readonly OpenPort[]> {
    const bound: BoundPort[] = []
    ports = bound
    try {
      for (const listener of trafficOptions.listeners) bound.push(await bindPort(listener))
    } catch (error) {
      letGoOfPorts()
      throw error
    }
    return bound.map(({ address, port }) => ({ address, port }))
  }

  const tellAll = (message: ToWorker): void => {
    for (const worker of alive) worker.child.send(message)
  }

  return {
    apply(changes) {
      for (const change of changes) {
        if (change.definitions.length === 0) services.delete(change.service)
        else services.set(change.service, change)
      }
      tellAll({ kind: 'apply', changes })
      return local.apply(changes)
    },
    setNoRoutePage(html) {
      noRoutePage = html
      local.setNoRoutePage(html)
      tellAll({ kind: 'no-route-page', html })
    },
    explain: (request) => local.explain(request),
    async metrics() {
      const ask = async (worker: WorkerLink): Promise<MetricsSnapshot> => {
        const snapshot = await worker.metrics()
        // While one is replaced, two have its number: the figures of the process are those of the one that serves.
        return workers.get(worker.number) === worker ? snapshot : { ...snapshot, workers: [] }
      }
      const snapshots = await Promise.all([...alive].map(ask))
      return addSnapshots([gone, ...snapshots])
    },
    async listen() {
      const opened = await bindPorts()
      const numbers = Array.from({ length: options.workers }, (_, index) => index + 1)
      const mistakes = (await Promise.all(numbers.map(start))).filter((mistake) => mistake !== null)
      if (mistakes.length === numbers.length) {
        isStopping = true
        letGoOfPorts()
        throw mistakes[0]!
      }
      for (const mistake of mistakes) log.error('cluster', 'worker-failed', mistake.message)
      return opened
    },
    reopenLogs() {
      tellAll({ kind: 'reopen-logs' })
    },
    async running() {
      const counts = await Promise.all([...alive].map((worker) => worker.running()))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async drain(ms) {
      isStopping = true
      // The workers hold them until the clients have been told.
      letGoOfPorts()
      const cut = await Promise.all([...alive].map((worker) => worker.drain(ms)))
      await local.drain(0)
      return cut.reduce((sum, count) => sum + count, 0)
    },
    replaceWorkers() {
      isToReplace = true
      replacing ??= replaceAll().finally(() => {
        replacing = null
      })
      return replacing
    },
    pids: () => [...workers.values()].map(({ child }) => child.pid),
  }
}
