import type { PrometheusListenerOptions } from '../admin/prometheus-listener.ts'
import { parseKeySet } from '../auth/key-set.ts'
import { messageOf, StartError } from '../base/errors.ts'
import type { LogOptions } from '../base/log.ts'
import { consulAddress } from '../config/addresses.ts'
import type { Config, LoadResult } from '../config/load.ts'
import { loadConfig } from '../config/load.ts'
import { fetchProperties } from '../config/remote.ts'
import type { ControlOptions } from '../control.ts'
import type { ConsulAddress, ConsulClientOptions } from '../registry/consul/client.ts'
import type { ConsulRegistryOptions } from '../registry/consul/consul-registry.ts'
import type { TrafficOptions } from '../traffic.ts'
import type { CommandContext } from './command.ts'

/** Reads the configuration as the command's flags, its environment and the file say. */
export const loadSettings = (context: CommandContext): Promise<LoadResult> =>
  loadConfig({
    argv: context.argv,
    env: context.env,
    interfaces: context.interfaces,
    hostname: context.hostname,
    readFile: context.readFile,
    fetchText: (url) => fetchProperties(fetch, url),
  })

/** Where Consul is, ready to stand in a URL. */
export function consulAt(config: Config): ConsulAddress {
  const { scheme, host, port } = consulAddress(config['registry.consul.addr'])
  return { scheme, host: host.includes(':') ? `[${host}]` : host, port }
}

/** A host of this machine that no other reaches; IPv6 in brackets. */
export const isLoopback = (host: string): boolean => /^(localhost|127\..*|\[::1\])$/.test(host)

/** The options of the Consul registry. Rejects with a StartError that names the file that could not be read. */
export async function consulOptions(config: Config, context: CommandContext): Promise<ConsulRegistryOptions> {
  return {
    client: {
      address: consulAt(config),
      token: await tokenOf(config, context),
      namespace: config['registry.consul.namespace'],
      partition: config['registry.consul.partition'],
      consistency: consistencyOf(config),
      maxConnections: null,
      tls: await tlsOptions(config, context),
    },
    health: {
      statuses: config['registry.consul.service.status'],
      checksRequired: config['registry.consul.checksRequired'],
    },
    kinds: config['registry.consul.kinds'],
    tagPrefix: config['registry.consul.tagprefix'],
    overridesPath: config['registry.consul.kvpath'],
    noRoutePath: config['registry.consul.noroutehtmlpath'],
    maxWatches: config['registry.consul.maxwatches'],
    timeout: config['registry.timeout'],
    retry: config['registry.retry'],
  }
}

function consistencyOf(config: Config): ConsulClientOptions['consistency'] {
  if (config['registry.consul.requireConsistent']) return 'consistent'
  return config['registry.consul.allowStale'] ? 'stale' : 'default'
}

async function tokenOf(config: Config, context: CommandContext): Promise<string> {
  const key = 'registry.consul.tokenfile'
  const given = config['registry.consul.token']
  if (given !== '' || config[key] === '') return given
  const token = (await readNamed(key, config[key], context)).trim()
  // Without the words of the file: they may be most of a token.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new StartError(`${key}: expected a file with one token, got something else`)
  return token
}

async function tlsOptions(config: Config, context: CommandContext): Promise<ConsulClientOptions['tls']> {
  const read = async (key: FileOption): Promise<string | undefined> => {
    const path = config[key]
    return path === '' ? undefined : readNamed(key, path, context)
  }
  const folder = config['registry.consul.tls.capath']
  const authorities = [await read('registry.consul.tls.cafile')]
  if (folder !== '') {
    for (const name of await listNamed('registry.consul.tls.capath', folder, context)) {
      authorities.push(await readNamed('registry.consul.tls.capath', `${folder}/${name}`, context))
    }
  }
  const given = authorities.filter((text) => text !== undefined)
  return {
    ca: given.length === 0 ? undefined : given.join('\n'),
    cert: await read('registry.consul.tls.certfile'),
    key: await read('registry.consul.tls.keyfile'),
    serverName: config['registry.consul.tls.servername'],
    skipVerify: config['registry.consul.tls.insecureskipverify'],
  }
}

type FileOption =
  | 'registry.consul.tls.cafile'
  | 'registry.consul.tls.certfile'
  | 'registry.consul.tls.keyfile'

/** Rejects with a StartError that names the option and what went wrong. */
export async function readNamed(key: string, path: string, context: CommandContext): Promise<string> {
  try {
    return await context.readFile(path)
  } catch (error) {
    throw new StartError(`${key}: expected a file that can be read, got ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function listNamed(key: string, path: string, context: CommandContext): Promise<readonly string[]> {
  try {
    return await context.readFolder(path)
  } catch (error) {
    throw new StartError(`${key}: expected a folder that can be read, got ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** What is removed goes first, so that the same name can be set or added. */
function fieldEdits(
  config: Config,
  of: 'proxy.header.request' | 'proxy.header.response',
): TrafficOptions['plan']['requestFields'] {
  return [
    ...config[`${of}.remove`].map((name) => ({ kind: 'remove' as const, name, value: '' })),
    ...config[`${of}.set`].map((field) => ({ kind: 'set' as const, ...field })),
    ...config[`${of}.add`].map((field) => ({ kind: 'add' as const, ...field })),
  ]
}
const careOptions = (config: Config): TrafficOptions['care'] => ({
  ejection:
    config['proxy.ejection'] === 'off'
      ? null
      : {
          failures: config['proxy.ejection.failures'],
          time: config['proxy.ejection.time'],
          maxTime: Math.max(config['proxy.ejection.time'], config['proxy.ejection.maxtime']),
          maxShare: config['proxy.ejection.maxpercent'] / 100,
          panicShare: config['proxy.ejection.panic'] / 100,
        },
  slowStart: config['proxy.slowstart'],
  drainTimeout: config['proxy.draintimeout'],
})

/**
 * Rejects with a StartError that names each file of `proxy.auth` that cannot be read, or makes no keys. The traffic plane
 * reads them by itself, again and again: this is for the operator who has just started it.
 */
export async function checkAuthFiles(config: Config, context: CommandContext): Promise<void> {
  const mistakes: string[] = []
  for (const scheme of config['proxy.auth']) {
    if (scheme.type === 'forward' || scheme.file === '') continue
    try {
      const text = await context.readFile(scheme.file)
      if (scheme.type === 'jwt') parseKeySet(text)
    } catch (error) {
      const what = scheme.type === 'jwt' ? 'a file with a JWK set' : 'an htpasswd file that can be read'
      mistakes.push(`proxy.auth: ${scheme.name}: file: expected ${what}, got ${messageOf(error)}`)
    }
  }
  if (mistakes.length > 0) throw new StartError(mistakes)
}
export const logOptions = (config: Config): LogOptions => ({
  level: config['log.level'],
  format: config['log.format'],
  limit: config['log.limit'],
})

/** Null: there is none. */
function accessLogOptions(config: Config): TrafficOptions['accessLog'] {
  const target = config['log.access.target']
  if (target === null) return null
  return {
    target,
    format: config['log.access.format'],
    scope: config['log.access.scope'],
    buffer: config['log.access.buffer'],
  }
}

/** Null: nothing is traced. */
function tracingOptions(config: Config): TrafficOptions['tracing'] {
  if (config['tracing.endpoint'] === '') return null
  return {
    endpoint: config['tracing.endpoint'],
    headers: config['tracing.headers'],
    ratio: config['tracing.ratio'],
    propagation: config['tracing.propagation'],
    service: config['tracing.servicename'],
    queue: config['tracing.queue'],
  }
}

/** Rejects with a StartError where the access log is a file that cannot be written. */
export async function checkAccessFile(config: Config, context: CommandContext): Promise<void> {
  const target = config['log.access.target']
  if (target?.kind !== 'file') return
  await context.checkWritable(target.path).catch((error: unknown) => {
    throw new StartError(`log.access.target: expected a file that can be written, got ${messageOf(error)}`, {
      cause: error,
    })
  })
}

const httpListeners = (config: Config): Config['proxy.addr'] =>
  config['proxy.addr'].filter(({ proto }) => proto === 'http')

/** Ports that serve metrics and no requests. */
export const prometheusListeners = (config: Config): readonly PrometheusListenerOptions[] =>
  config['proxy.addr']
    .filter(({ proto }) => proto === 'prometheus')
    .map(({ host, port }) => ({ host, port, path: config['metrics.prometheus.path'] }))

export const controlOptions = (config: Config): ControlOptions => ({
  tagPrefix: config['registry.consul.tagprefix'],
  matcher: config['proxy.matcher'],
  authSchemes: config['proxy.auth'].map(({ name }) => name),
  logRoutes: config['log.routes.format'],
})

/** File descriptors that are kept for the admin port, watches, logs and all else. */
const ownFiles = 128

/**
 * Client connections that file descriptors allow when each has one to an instance as well; 0: any number.
 *
 * @param openFiles how many may be open; null: nobody knows
 */
export const connectionsFor = (openFiles: number | null): number =>
  openFiles === null ? 0 : Math.max(1, Math.floor((openFiles - Math.min(ownFiles, openFiles / 2)) / 2))

/** The pages of `proxy.errorpages`. Rejects with a StartError that names every file that could not be read. */
export async function errorPages(
  config: Config,
  context: Pick<CommandContext, 'readFile'>,
): Promise<TrafficOptions['handler']['errorPages']> {
  const named = Object.entries(config['proxy.errorpages'])
  const read = await Promise.allSettled(named.map(([, path]) => context.readFile(path)))
  const mistakes = read.flatMap((outcome, index) =>
    outcome.status === 'fulfilled'
      ? []
      : [
          `proxy.errorpages: ${named[index]![0]}: expected a file that can be read, got ${messageOf(outcome.reason)}`,
        ],
  )
  if (mistakes.length > 0) throw new StartError(mistakes)
  return Object.fromEntries(
    read.map((outcome, index) => [named[index]![0], outcome.status === 'fulfilled' ? outcome.value : '']),
  )
}

export function trafficOptions(
  config: Config,
  openFiles: number | null,
  pages: TrafficOptions['handler']['errorPages'],
): TrafficOptions {
  const limits = { maxHeadSize: config['proxy.maxheadersize'], maxFields: config['proxy.maxheaders'] }
  return {
    maxConnections: config['proxy.maxconns'] || connectionsFor(openFiles),
    listeners: httpListeners(config).map(({ pxyTimeout, ...listener }) => ({
      host: listener.host,
      port: listener.port,
      proxyProtocol: pxyTimeout === null ? null : { timeout: pxyTimeout },
      readTimeout: listener.readTimeout,
      writeTimeout: listener.writeTimeout,
      idleTimeout: listener.idleTimeout,
      headTimeout: config['proxy.headertimeout'],
      ...limits,
      maxTargetSize: config['proxy.maxuri'],
      bodyStallTimeout: config['proxy.bodystalltimeout'],
      maxBodySize: config['proxy.maxbody'],
    })),
    handler: {
      noRouteStatus: config['proxy.noroutestatus'],
      trusted: config['proxy.trusted'],
      clientIpHeader: config['proxy.header.clientip'],
      requestIdHeader: config['proxy.header.requestid'],
      tlsHeader: config['proxy.header.tls'],
      tlsValue: config['proxy.header.tls.value'],
      localIp: config['proxy.localip'],
      retryBudget: {
        share: config['proxy.retry.budget'] / 100,
        minimum: config['proxy.retry.minimum'],
      },
      replaySize: config['proxy.retry.bodysize'],
      errorPages: pages,
    },
    plan: {
      timeout: config['proxy.requesttimeout'],
      dialTimeout: config['proxy.dialtimeout'],
      headTimeout: config['proxy.responseheadertimeout'],
      idleTimeout: config['proxy.answeridletimeout'],
      retries: config['proxy.retry.attempts'],
      requestFields: fieldEdits(config, 'proxy.header.request'),
      responseFields: fieldEdits(config, 'proxy.header.response'),
      sts: {
        maxAge: config['proxy.header.sts.maxage'],
        subdomains: config['proxy.header.sts.subdomains'],
        preload: config['proxy.header.sts.preload'],
      },
      rateLimits: config['proxy.ratelimit'],
      cors: {
        origins: config['proxy.cors'],
        methods: config['proxy.cors.methods'],
        headers: config['proxy.cors.headers'],
        expose: config['proxy.cors.expose'],
        credentials: config['proxy.cors.credentials'],
        maxAge: Math.floor(config['proxy.cors.maxage'] / 1000),
      },
      compression: {
        contentType: config['proxy.gzip.contenttype'],
        codings: config['proxy.compress.encodings'],
        minSize: config['proxy.compress.minsize'],
        maxStreams: config['proxy.compress.maxstreams'],
        levels: {
          gzip: config['proxy.compress.level.gzip'],
          br: config['proxy.compress.level.br'],
          zstd: config['proxy.compress.level.zstd'],
        },
      },
    },
    auth: config['proxy.auth'],
    matcher: config['proxy.matcher'],
    literalHosts: config['glob.matching.disabled'],
    strategy: config['proxy.strategy'],
    queue: { size: config['proxy.queue.size'], timeout: config['proxy.queue.timeout'] },
    care: careOptions(config),
    unhealthyRoute: config['proxy.unhealthyroute'],
    rateLimitClients: config['proxy.ratelimit.clients'],
    worker: { number: 1, of: 1 },
    upstream: {
      dialTimeout: config['proxy.dialtimeout'],
      headTimeout: config['proxy.responseheadertimeout'],
      answerStallTimeout: config['proxy.answeridletimeout'],
      idleTimeout: config['proxy.idleconntimeout'],
      keepAlivePeriod: config['proxy.keepalivetimeout'],
      maxConnections: config['proxy.maxconn'],
      maxWaiting: config['proxy.queue.size'],
      waitTimeout: config['proxy.queue.timeout'],
      reuse: config['proxy.upstream.reuse'],
      stallTimeout: config['proxy.bodystalltimeout'],
      // What an upstream says is bounded as what a client says, with room for its cookies.
      maxHeadSize: Math.max(limits.maxHeadSize, 256 * 1024),
      maxFields: limits.maxFields,
      maxTargetSize: 0,
    },
    upstreamClient: config['proxy.upstream.client'],
    metrics: { buckets: config['metrics.prometheus.buckets'] },
    accessLog: accessLogOptions(config),
    tracing: tracingOptions(config),
  }
}
