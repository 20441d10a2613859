import { randomUUID } from 'node:crypto'
import { mistakesIn } from '../admin/dry-run.ts'
import { type LiveReading, LiveStates } from '../admin/live-states.ts'
import type { AdminOverrides } from '../admin/override-api.ts'
import { listenPrometheus, type PrometheusListener } from '../admin/prometheus-listener.ts'
import { type AdminServer, type AdminSources, startAdmin } from '../admin/server.ts'
import { TrafficWatch } from '../admin/traffic-watch.ts'
import { createLog, type Log } from '../base/log.ts'
import { sleep, type World } from '../base/world.ts'
import { createSupervisor } from '../cluster/supervisor.ts'
import type { Config, LoadResult } from '../config/load.ts'
import { type Control, createControl } from '../control.ts'
import type { MetricsSnapshot } from '../observe/snapshot.ts'
import type { SelfRegistration } from '../registry/consul/self-registration.ts'
import type { Registry } from '../registry/registry.ts'
import { createTraffic, type OpenPort, type Traffic } from '../traffic.ts'
import { startLogins } from './admin-logins.ts'
import type { CommandContext } from './command.ts'
import { configView } from './config-view.ts'
import { explainBy } from './explain-by.ts'
import { fabioConfig } from './fabio-config.ts'
import { metricsPusher } from './metrics-push.ts'
import { controlFigures, metricsSource } from './metrics-source.ts'
import { chooseRegistry } from './registries.ts'
import {
  checkAccessFile,
  checkAuthFiles,
  controlOptions,
  errorPages,
  logOptions,
  prometheusListeners,
  trafficOptions,
} from './settings.ts'
import { trafficFigures } from './traffic-feed.ts'

/** A gateway that serves. */
export interface Gateway {
  readonly control: Control
  readonly listeners: readonly OpenPort[]
  readonly adminPort: number
  readonly log: Log
  /**
   * Withdraws from the registry, serves on for `proxy.deregistergraceperiod`, then takes nothing new, lets running
   * requests end and closes everything. Resolves with how many requests were cut.
   */
  stop(): Promise<number>
}

/**
 * Starts the gateway in the order in which nothing is served too early: admin port, registry, first whole table, the
 * ports of the traffic, and only then its own entry in the registry. Rejects with a StartError, and then nothing is
 * left running.
 */
export async function startGateway(loaded: LoadResult, context: CommandContext): Promise<Gateway> {
  const { config, warnings } = loaded
  const { world } = context
  const log = createLog(logOptions(config), { clock: world.clock, write: context.complain, worker: null })
  for (const warning of warnings) log.warn('config', 'warning', warning)
  log.info('gateway', 'starting', `gatehouse ${context.version} starting`)

  await checkAuthFiles(config, context)
  await checkAccessFile(config, context)
  const traffic = trafficPlane(config, await errorPages(config, context), context, log)
  context.onHastyStop(() => traffic.running())
  const { registry, selfRegistration } = await chooseRegistry(config, context, log)
  let self: SelfRegistration | null = null
  let aliases: readonly string[] = []
  let admin: AdminServer | null = null
  let isHealthy = false
  const readTraffic = async (): Promise<MetricsSnapshot> => {
    const snapshot = await traffic.metrics()
    live.take(liveReading(snapshot))
    return snapshot
  }
  const live = new LiveStates(async () => liveReading(await traffic.metrics()))
  const watch = new TrafficWatch(async () => trafficFigures(await readTraffic()), world.clock)
  const logins = startLogins(config, world, log)
  const control = createControl(controlOptions(config), {
    registry,
    publish: (changes) => traffic.apply(changes),
    publishNoRoutePage: (html) => traffic.setNoRoutePage(html),
    publishAliases: (names) => {
      aliases = names
      self?.setAliases(names)
    },
    statusChanged: () => {
      if (registry.status().connected) self?.contactBack()
    },
    world,
    log,
  })
  const metrics = metricsSource(config, traffic, () => controlFigures(control, registry, world.clock))
  const pusher = metricsPusher(config, traffic, context, log)
  const metricsPorts: PrometheusListener[] = []
  context.onHangup(() => {
    log.info('gateway', 'hangup', 'SIGHUP: the files of the access log are opened anew')
    traffic.reopenLogs()
  })
  const stop = async (graceMs: number): Promise<number> => {
    // Who sends requests here must hear of it before they are refused: first the registry, then the ports.
    isHealthy = false
    watch.close()
    pusher.close()
    await self?.deregister()
    await sleep(world.clock, graceMs, neverAborted)
    const cut = await traffic.drain(config['proxy.shutdownwait'])
    await Promise.all([
      control.close(),
      admin?.close(),
      logins.close(),
      ...metricsPorts.map((port) => port.close()),
    ])
    return cut
  }
  try {
    admin = await startAdmin(
      {
        host: config['ui.addr'].host,
        port: config['ui.addr'].port,
        access: config['ui.access'],
        title: config['ui.title'],
        color: config['ui.color'],
        version: context.version,
        path: config['ui.path'],
        assets: context.assets,
      },
      {
        ...controlSources({ control, traffic, registry, live, world }),
        logins: logins.logins,
        figures: () => watch.figures(),
        subscribeFigures: (told) => watch.subscribe(told),
        traffic: (service) => watch.traffic(service),
        settings: () => configView(loaded, context),
        fabioConfig: () => fabioConfig(config),
        metrics,
        isHealthy: () => isHealthy,
      },
      world.clock,
    )
    log.info('admin', 'listening', `UI and API on port ${admin.port}`)
    watch.start()
    pusher.start()
    for (const port of prometheusListeners(config)) metricsPorts.push(await listenPrometheus(port, metrics))
    for (const { port } of metricsPorts) log.info('admin', 'metrics-listening', `metrics on port ${port}`)
    self = selfRegistration(admin.port)
    const listeners = await serve(control, traffic, context.stop)
    for (const { address } of listeners) log.info('proxy', 'listening', `HTTP proxy listening on ${address}`)
    isHealthy = true
    self?.setAliases(aliases)
    await self?.start()
    const graceMs = config['proxy.deregistergraceperiod']
    return { control, listeners, adminPort: admin.port, log, stop: () => stop(graceMs) }
  } catch (error) {
    await stop(0)
    throw error
  }
}

/** What the admin port is told by the control plane, and by the traffic plane where only that knows. */
function controlSources(parts: {
  control: Control
  traffic: Traffic
  registry: Registry
  live: LiveStates
  world: World
}): Omit<
  AdminSources,
  'logins' | 'settings' | 'fabioConfig' | 'metrics' | 'isHealthy' | 'figures' | 'subscribeFigures' | 'traffic'
> {
  const { control, traffic, registry, live, world } = parts
  return {
    table: () => live.table(control.table()),
    refreshLive: () => live.refresh(),
    subscribe: (changed) => control.subscribe(changed),
    plainTable: () => control.table(),
    routes: (names) => control.routes(names),
    head: () => control.head(),
    services: (only) => ({ version: control.table().version, services: control.services(only) }),
    problems: () => control.problems(),
    history: () => control.history(),
    explain: (query, remoteAddress) =>
      explainBy({ control, traffic, clock: world.clock }, query, remoteAddress, (target) =>
        live.target(target),
      ),
    overrides: adminOverrides(control, registry),
  }
}

const neverAborted = new AbortController().signal

/** A process without ports of its own is the only one. */
const liveReading = ({ workers, live: upstreams }: MetricsSnapshot): LiveReading => ({
  processes: Math.max(1, workers.length),
  upstreams,
})

/** One process for each of `proxy.workers`, or this one. */
function trafficPlane(
  config: Config,
  pages: Awaited<ReturnType<typeof errorPages>>,
  context: CommandContext,
  log: Log,
): Traffic {
  const { world, fork, cores } = context
  const workers = config['proxy.workers'] || cores
  const options = trafficOptions(config, context.openFiles, pages)
  if (workers < 2 || fork === null) {
    return createTraffic(options, { world, log, newId: randomUUID, self: { ...context, number: 1 } })
  }
  const supervisor = createSupervisor(
    { workers, log: logOptions(config), shutdownWait: config['proxy.shutdownwait'] },
    options,
    { world, log, newId: randomUUID, fork, print: context.complain, writeOut: context.writeOut },
  )
  context.onReplaceWorkers(() => {
    log.info('cluster', 'replacing', 'told to replace the workers')
    void supervisor.replaceWorkers()
  })
  return supervisor
}

function adminOverrides(control: Control, { overrides = null }: Registry): AdminOverrides | null {
  if (overrides === null) return null
  return {
    keys: () => overrides.keys(),
    read: (key) => overrides.read(key),
    write: (key, value, version) => overrides.write(key, value, version),
    mistakes: (key, text) => mistakesIn(text, overrides.nameOf(key)),
    dryRun: (key, text) => control.dryRun({ name: overrides.nameOf(key), text }),
  }
}

/** A stop that comes while the registry is still awaited ends the wait. */
async function serve(control: Control, traffic: Traffic, stop: AbortSignal): Promise<readonly OpenPort[]> {
  const stopped = new Promise<never>((_resolve, reject) => {
    if (stop.aborted) reject(stop.reason)
    stop.addEventListener('abort', () => reject(stop.reason), { once: true })
  })
  await Promise.race([control.start(), stopped])
  return traffic.listen()
}

/** Resolves when the process was told to end. */
export function untilStopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Stops the gateway and says what it cost. Resolves with the exit code. */
export async function endGateway({ log, stop }: Gateway, config: Config): Promise<number> {
  const graceMs = config['proxy.deregistergraceperiod']
  const grace = graceMs === 0 ? '' : `requests are served for ${graceMs / 1000} s more; then `
  log.info(
    'gateway',
    'stopping',
    `told to stop; ${grace}running requests have ${config['proxy.shutdownwait'] / 1000} s`,
  )
  const cut = await stop()
  if (cut > 0)
    log.warn(
      'gateway',
      'requests-cut',
      `${cut === 1 ? '1 request was' : `${cut} requests were`} cut at the end of proxy.shutdownwait`,
    )
  log.info('gateway', 'down', 'down')
  return 0
}
