import { expect, test } from 'vitest'
import type { ParseContext } from '../../src/config/kind.ts'
import { envName, namesOf, optionKeys, optionNamed, otherNames, rowOf } from '../../src/config/options.ts'

/** Every key of fabio reference 13.4 with fabio's default. Where that is worked out at the start: what stands for it. */
const fabioOptions: readonly (readonly [key: string, standard: string])[] = [
  ['insecure', 'false'],
  ['profile.mode', ''],
  ['profile.path', ''],
  ['proxy.addr', ':9999'],
  ['proxy.cs', ''],
  ['proxy.auth', ''],
  ['proxy.strategy', 'rnd'],
  ['proxy.matcher', 'prefix'],
  ['proxy.noroutestatus', '404'],
  ['proxy.maxconn', '10000'],
  ['proxy.dialtimeout', '30s'],
  ['proxy.responseheadertimeout', '0s'],
  ['proxy.keepalivetimeout', '0s'],
  ['proxy.idleconntimeout', '15s'],
  ['proxy.readtimeout', '0s'],
  ['proxy.writetimeout', '0s'],
  ['proxy.flushinterval', '1s'],
  ['proxy.globalflushinterval', '0s'],
  ['proxy.shutdownwait', '0s'],
  ['proxy.deregistergraceperiod', '0s'],
  ['proxy.localip', 'auto'],
  ['proxy.header.clientip', ''],
  ['proxy.header.tls', ''],
  ['proxy.header.tls.value', ''],
  ['proxy.header.requestid', ''],
  ['proxy.header.sts.maxage', '0'],
  ['proxy.header.sts.subdomains', 'false'],
  ['proxy.header.sts.preload', 'false'],
  ['proxy.gzip.contenttype', ''],
  ['proxy.grpcmaxrxmsgsize', '4194304'],
  ['proxy.grpcmaxtxmsgsize', '4194304'],
  ['proxy.grpcshutdowntimeout', '2s'],
  ['aws.apigw.cert.cn', ''],
  ['log.access.format', 'common'],
  ['log.access.target', ''],
  ['log.routes.format', 'delta'],
  ['log.level', 'INFO'],
  ['metrics.target', ''],
  ['metrics.prefix', '{{clean .Hostname}}.{{clean .Exec}}'],
  ['metrics.names', '{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}'],
  ['metrics.interval', '30s'],
  ['metrics.timeout', '10s'],
  ['metrics.retry', '500ms'],
  ['metrics.graphite.addr', ''],
  ['metrics.statsd.addr', ''],
  ['metrics.dogstatsd.addr', ''],
  ['metrics.prometheus.subsystem', ''],
  ['metrics.prometheus.path', '/metrics'],
  ['metrics.prometheus.buckets', '.005,.01,.025,.05,.1,.25,.5,1,2.5,5,10'],
  ['metrics.circonus.apikey', ''],
  ['metrics.circonus.apiapp', 'fabio'],
  ['metrics.circonus.apiurl', ''],
  ['metrics.circonus.brokerid', ''],
  ['metrics.circonus.checkid', ''],
  ['metrics.circonus.submissionurl', ''],
  ['registry.backend', 'consul'],
  ['registry.timeout', '10s'],
  ['registry.retry', '500ms'],
  ['registry.static.routes', ''],
  ['registry.static.noroutehtml', ''],
  ['registry.file.path', ''],
  ['registry.file.noroutehtmlpath', ''],
  ['registry.custom.host', ''],
  ['registry.custom.scheme', 'https'],
  ['registry.custom.path', ''],
  ['registry.custom.queryparams', ''],
  ['registry.custom.timeout', '5s'],
  ['registry.custom.pollinterval', '10s'],
  ['registry.custom.checkTLSSkipVerify', 'false'],
  ['registry.custom.noroutehtml', ''],
  ['registry.consul.addr', 'localhost:8500'],
  ['registry.consul.token', ''],
  ['registry.consul.namespace', ''],
  ['registry.consul.kvpath', '/fabio/config'],
  ['registry.consul.noroutehtmlpath', '/fabio/noroute.html'],
  ['registry.consul.tagprefix', 'urlprefix-'],
  ['registry.consul.service.status', 'passing'],
  ['registry.consul.checksRequired', 'one'],
  ['registry.consul.serviceMonitors', '1'],
  ['registry.consul.pollinterval', '0'],
  ['registry.consul.requireConsistent', 'true'],
  ['registry.consul.allowStale', 'false'],
  ['registry.consul.tls.keyfile', ''],
  ['registry.consul.tls.certfile', ''],
  ['registry.consul.tls.cafile', ''],
  ['registry.consul.tls.capath', ''],
  ['registry.consul.tls.insecureskipverify', 'false'],
  ['registry.consul.register.enabled', 'true'],
  ['registry.consul.register.addr', ''],
  ['registry.consul.register.name', 'fabio'],
  ['registry.consul.register.tags', ''],
  ['registry.consul.register.checkInterval', '1s'],
  ['registry.consul.register.checkTimeout', '3s'],
  ['registry.consul.register.checkTLSSkipVerify', 'false'],
  ['registry.consul.register.checkDeregisterCriticalServiceAfter', ''],
  ['ui.addr', ':9998'],
  ['ui.access', 'rw'],
  ['ui.color', 'light-green'],
  ['ui.title', ''],
  ['ui.path', ''],
  ['ui.routingtable.source.linkenabled', 'false'],
  ['ui.routingtable.source.newtab', 'true'],
  ['ui.routingtable.source.scheme', 'http'],
  ['ui.routingtable.source.host', ''],
  ['ui.routingtable.source.port', ''],
  ['glob.matching.disabled', 'false'],
  ['glob.cache.size', '1000'],
  ['runtime.gogc', '100'],
  ['runtime.gomaxprocs', '-1'],
  ['bgp.enabled', 'false'],
  ['bgp.asn', '65000'],
  ['bgp.routerid', ''],
  ['bgp.anycastaddresses', ''],
  ['bgp.listenport', '179'],
  ['bgp.listenaddresses', '0.0.0.0'],
  ['bgp.nexthop', ''],
  ['bgp.peers', ''],
  ['bgp.enablegrpc', 'false'],
  ['bgp.grpclistenaddress', '127.0.0.1:50051'],
  ['bgp.gobgpdcfgfile', ''],
]

/** Where Gatehouse knowingly differs; the row says why. */
const ownDefaults: Readonly<Record<string, string>> = {
  'proxy.strategy': 'rr',
  'proxy.shutdownwait': '5s',
  'metrics.prefix': 'gatehouse',
  'registry.consul.requireConsistent': 'false',
  'registry.consul.allowStale': 'true',
}

const ownOptions = [
  'proxy.clientidletimeout',
  'proxy.headertimeout',
  'proxy.maxheadersize',
  'proxy.maxheaders',
  'proxy.maxuri',
  'proxy.maxbody',
  'proxy.bodystalltimeout',
  'proxy.errorpages',
  'proxy.trusted',
  'proxy.upstream.client',
  'proxy.upstream.reuse',
  'proxy.requesttimeout',
  'proxy.answeridletimeout',
  'proxy.retry.attempts',
  'proxy.retry.budget',
  'proxy.retry.minimum',
  'proxy.retry.bodysize',
  'proxy.compress.encodings',
  'proxy.compress.level.br',
  'proxy.compress.level.gzip',
  'proxy.compress.level.zstd',
  'proxy.compress.maxstreams',
  'proxy.compress.minsize',
  'proxy.cors',
  'proxy.cors.credentials',
  'proxy.cors.expose',
  'proxy.cors.headers',
  'proxy.cors.maxage',
  'proxy.cors.methods',
  'proxy.ratelimit',
  'proxy.ratelimit.clients',
  'proxy.header.request.add',
  'proxy.header.request.remove',
  'proxy.header.request.set',
  'proxy.header.response.add',
  'proxy.header.response.remove',
  'proxy.header.response.set',
  'proxy.ejection',
  'proxy.ejection.failures',
  'proxy.ejection.time',
  'proxy.ejection.maxtime',
  'proxy.ejection.maxpercent',
  'proxy.ejection.panic',
  'proxy.slowstart',
  'proxy.maxconns',
  'proxy.draintimeout',
  'proxy.queue.size',
  'proxy.queue.timeout',
  'log.format',
  'log.limit',
  'tracing.endpoint',
  'tracing.ratio',
  'tracing.propagation',
  'tracing.servicename',
  'tracing.headers',
  'tracing.queue',
  'metrics.separator',
  'log.access.buffer',
  'log.access.scope',
  'proxy.workers',
  'proxy.unhealthyroute',
  'registry.consul.kinds',
  'registry.consul.maxwatches',
  'registry.consul.partition',
  'registry.consul.tls.servername',
  'registry.consul.tokenfile',
  'ui.auth',
]

const context: ParseContext = {
  interfaces: {},
  hostname: 'gate-1',
  listenerTimeouts: { readTimeout: 0, writeTimeout: 0, idleTimeout: 0 },
  warn: (text) => {
    throw new Error(`a default warns: ${text}`)
  },
}

test('the options are those of fabio and our own, each once', () => {
  expect(optionKeys.toSorted()).toEqual([...fabioOptions.map(([key]) => key), ...ownOptions].toSorted())
})

test.each(fabioOptions)(
  '%s has its default of fabio, %s, unless the list of own defaults says otherwise',
  (key, standard) => {
    const { kind, default: own } = rowOf(optionNamed(key)!)
    expect(kind.parse(own, context)).toEqual(kind.parse(ownDefaults[key] ?? standard, context))
  },
)

test.each(optionKeys)('%s says what it is for, in sentences on one line each', (key) => {
  const { doc } = rowOf(key)
  expect(doc.length).toBeGreaterThan(0)
  for (const sentence of doc) expect(sentence).toMatch(/^\S.*\S$/)
})

test('a row with another default than fabio names fabio in its words', () => {
  for (const key of Object.keys(ownDefaults))
    expect(rowOf(optionNamed(key)!).doc.join(' ')).toContain("fabio's default")
})

test('no two options have the same name in the environment', () => {
  const names = optionKeys.flatMap((key) => [...new Set(namesOf(key).map(envName))])
  expect(new Set(names).size).toBe(names.length)
})

test('another name leads to its option and is none itself', () => {
  for (const [name, key] of Object.entries(otherNames)) {
    expect(optionNamed(name)).toBe(key)
    expect(optionKeys).not.toContain(name)
    expect(namesOf(key)).toEqual([name, key])
  }
})

test.each(['Proxy.Addr', 'constructor', '__proto__', '', 'cfg'])('%j is no option', (name) => {
  expect(optionNamed(name)).toBeNull()
})
