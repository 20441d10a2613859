import { consulAddress } from '../config/addresses.ts'
import type { Config, ListenerOptions } from '../config/load.ts'
import { secret, withoutSecrets } from './config-view.ts'

/** Durations are in nanoseconds, as Go has them. */
const ns = (ms: number): number => Math.round(ms * 1e6)

const concealed = (text: string): string => (text === '' ? '' : secret)

const hostPort = ({ host, port }: { host: string; port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

const noCertSource = {
  Header: null,
  Name: '',
  Type: '',
  CertPath: '',
  KeyPath: '',
  ClientCAPath: '',
  CAUpgradeCN: '',
  VaultFetchToken: '',
  Refresh: 0,
}

const listen = ({ host, port, proto, readTimeout, writeTimeout, idleTimeout }: ListenerOptions) => ({
  CertSource: noCertSource,
  Addr: hostPort({ host, port }),
  Proto: proto,
  TLSCiphers: null,
  ReadTimeout: ns(readTimeout),
  WriteTimeout: ns(writeTimeout),
  IdleTimeout: ns(idleTimeout),
  ProxyHeaderTimeout: 0,
  Refresh: 0,
  TLSMinVersion: 0,
  TLSMaxVersion: 0,
  StrictMatch: false,
  ProxyProto: false,
})

/** The configuration in the structure and with the names of fabio (reference 9.4); secrets are left out (QUIRK-42). */
export function fabioConfig(config: Config): unknown {
  return withoutSecrets({
    Log: {
      AccessFormat: config['log.access.format'].text,
      AccessTarget: accessTargetText(config['log.access.target']),
      RoutesFormat: config['log.routes.format'],
      Level: config['log.level'],
    },
    ProfileMode: config['profile.mode'],
    ProfilePath: config['profile.path'],
    Listen: config['proxy.addr'].map(listen),
    Metrics: metrics(config),
    BGP: bgp(config),
    UI: {
      RoutingTable: {
        Source: {
          Scheme: config['ui.routingtable.source.scheme'],
          Host: config['ui.routingtable.source.host'],
          Port: config['ui.routingtable.source.port'],
          LinkEnabled: config['ui.routingtable.source.linkenabled'],
          NewTab: config['ui.routingtable.source.newtab'],
        },
      },
      Color: config['ui.color'],
      Title: config['ui.title'],
      Access: config['ui.access'],
      Path: config['ui.path'],
      Listen: listen(config['ui.addr']),
    },
    Registry: registry(config),
    Proxy: proxy(config),
    Runtime: { GOGC: config['runtime.gogc'], GOMAXPROCS: config['runtime.gomaxprocs'] },
    GlobCacheSize: config['glob.cache.size'],
    Insecure: config.insecure,
    GlobMatchingDisabled: config['glob.matching.disabled'],
  })
}

function proxy(config: Config): object {
  const gzip = config['proxy.gzip.contenttype']
  return {
    GZIPContentTypes: gzip === '' ? null : gzip,
    AuthSchemes: Object.fromEntries(config['proxy.auth'].map((scheme) => [scheme.name, authScheme(scheme)])),
    Strategy: config['proxy.strategy'],
    Matcher: config['proxy.matcher'],
    LocalIP: config['proxy.localip'],
    ClientIPHeader: config['proxy.header.clientip'],
    TLSHeader: config['proxy.header.tls'],
    TLSHeaderValue: config['proxy.header.tls.value'],
    RequestID: config['proxy.header.requestid'],
    STSHeader: {
      MaxAge: config['proxy.header.sts.maxage'],
      Subdomains: config['proxy.header.sts.subdomains'],
      Preload: config['proxy.header.sts.preload'],
    },
    NoRouteStatus: config['proxy.noroutestatus'],
    MaxConn: config['proxy.maxconn'],
    ShutdownWait: ns(config['proxy.shutdownwait']),
    DeregisterGracePeriod: ns(config['proxy.deregistergraceperiod']),
    DialTimeout: ns(config['proxy.dialtimeout']),
    ResponseHeaderTimeout: ns(config['proxy.responseheadertimeout']),
    KeepAliveTimeout: ns(config['proxy.keepalivetimeout']),
    IdleConnTimeout: ns(config['proxy.idleconntimeout']),
    FlushInterval: ns(config['proxy.flushinterval']),
    GlobalFlushInterval: ns(config['proxy.globalflushinterval']),
    GRPCMaxRxMsgSize: config['proxy.grpcmaxrxmsgsize'],
    GRPCMaxTxMsgSize: config['proxy.grpcmaxtxmsgsize'],
    GRPCGShutdownTimeout: ns(config['proxy.grpcshutdowntimeout']),
  }
}

/** Of our own types fabio has no fields. */
const authScheme = (scheme: Config['proxy.auth'][number]): object => ({
  Name: scheme.name,
  Type: scheme.type,
  Basic: {
    ModTime: '0001-01-01T00:00:00Z',
    Realm: scheme.type === 'basic' ? scheme.realm : '',
    File: scheme.type === 'basic' ? scheme.file : '',
    Refresh: scheme.type === 'basic' ? ns(scheme.refresh) : 0,
  },
})

const registry = (config: Config): object => ({
  Static: {
    NoRouteHTML: config['registry.static.noroutehtml'],
    Routes: config['registry.static.routes'],
  },
  File: {
    NoRouteHTMLPath: config['registry.file.noroutehtmlpath'],
    RoutesPath: config['registry.file.path'],
  },
  Backend: config['registry.backend'],
  Custom: {
    Host: config['registry.custom.host'],
    Path: config['registry.custom.path'],
    QueryParams: concealed(config['registry.custom.queryparams']),
    Scheme: config['registry.custom.scheme'],
    NoRouteHTML: config['registry.custom.noroutehtml'],
    PollInterval: ns(config['registry.custom.pollinterval']),
    Timeout: ns(config['registry.custom.timeout']),
    CheckTLSSkipVerify: config['registry.custom.checkTLSSkipVerify'],
  },
  Consul: consul(config),
  Timeout: ns(config['registry.timeout']),
  Retry: ns(config['registry.retry']),
})

function consul(config: Config): object {
  const { scheme, ...address } = consulAddress(config['registry.consul.addr'])
  return {
    Addr: hostPort(address),
    Scheme: scheme,
    Token: concealed(config['registry.consul.token']),
    KVPath: config['registry.consul.kvpath'],
    NoRouteHTMLPath: config['registry.consul.noroutehtmlpath'],
    TagPrefix: config['registry.consul.tagprefix'],
    Namespace: config['registry.consul.namespace'],
    ServiceAddr: hostPort(config['registry.consul.register.addr'] ?? config['ui.addr']),
    ServiceName: config['registry.consul.register.name'],
    CheckScheme: 'http',
    ChecksRequired: config['registry.consul.checksRequired'],
    TLS: {
      KeyFile: config['registry.consul.tls.keyfile'],
      CertFile: config['registry.consul.tls.certfile'],
      CAFile: config['registry.consul.tls.cafile'],
      CAPath: config['registry.consul.tls.capath'],
      InsecureSkipVerify: config['registry.consul.tls.insecureskipverify'],
    },
    ServiceTags: config['registry.consul.register.tags'],
    ServiceStatus: config['registry.consul.service.status'],
    CheckInterval: ns(config['registry.consul.register.checkInterval']),
    CheckTimeout: ns(config['registry.consul.register.checkTimeout']),
    ServiceMonitors: config['registry.consul.serviceMonitors'],
    PollInterval: ns(config['registry.consul.pollinterval']),
    Register: config['registry.consul.register.enabled'],
    CheckTLSSkipVerify: config['registry.consul.register.checkTLSSkipVerify'],
    RequireConsistent: config['registry.consul.requireConsistent'],
    AllowStale: config['registry.consul.allowStale'],
  }
}

const metrics = (config: Config): object => ({
  Circonus: {
    APIKey: concealed(config['metrics.circonus.apikey']),
    APIApp: config['metrics.circonus.apiapp'],
    APIURL: config['metrics.circonus.apiurl'],
    CheckID: config['metrics.circonus.checkid'],
    BrokerID: config['metrics.circonus.brokerid'],
    SubmissionURL: concealed(config['metrics.circonus.submissionurl']),
  },
  Target: config['metrics.target'].join(','),
  Prefix: config['metrics.prefix'],
  Names: config['metrics.names'],
  GraphiteAddr: config['metrics.graphite.addr'],
  StatsDAddr: config['metrics.statsd.addr'],
  DogstatsdAddr: config['metrics.dogstatsd.addr'],
  Prometheus: {
    Subsystem: config['metrics.prometheus.subsystem'],
    Path: config['metrics.prometheus.path'],
    Buckets: config['metrics.prometheus.buckets'],
  },
  Interval: ns(config['metrics.interval']),
  Timeout: ns(config['metrics.timeout']),
  Retry: ns(config['metrics.retry']),
})

const bgp = (config: Config): object => ({
  RouterID: config['bgp.routerid'],
  GRPCListenAddress: config['bgp.grpclistenaddress'],
  CertFile: '',
  KeyFile: '',
  GOBGPDCfgFile: config['bgp.gobgpdcfgfile'],
  NextHop: config['bgp.nexthop'],
  AnycastAddresses: config['bgp.anycastaddresses'],
  ListenAddresses: config['bgp.listenaddresses'],
  Peers: config['bgp.peers'].map(bgpPeer),
  Asn: config['bgp.asn'],
  ListenPort: config['bgp.listenport'],
  BGPEnabled: config['bgp.enabled'],
  EnableGRPC: config['bgp.enablegrpc'],
  GRPCTLS: false,
})

/** What does not belong to a peer or is no number is 0: the option has no effect and is not looked into. */
function bgpPeer(peer: Readonly<Record<string, string>>): object {
  const number = (name: string): number => Number(peer[name] ?? 0) || 0
  return {
    NeighborAddress: peer.address ?? peer[''] ?? '',
    Password: concealed(peer.password ?? ''),
    NeighborPort: number('port'),
    Asn: number('asn'),
    MultiHopLength: number('multihoplength'),
    MultiHop: peer.multihop === 'true',
  }
}

/** As it would be written; fabio knows `stdout` and nothing. */
export function accessTargetText(target: Config['log.access.target']): string {
  if (target === null) return ''
  if (target.kind !== 'syslog') return target.kind === 'file' ? target.path : target.kind
  const { transport } = target
  return `syslog+${transport}://${transport === 'unix' ? target.path : `${target.host}:${target.port}`}`
}
