import { describe, expect, test } from 'vitest'
import { fabioConfig } from '../../src/cli/fabio-config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { interfaces } from '../config/context.ts'

async function configOf(...lines: string[]): Promise<Record<string, Record<string, unknown>>> {
  const { config } = await loadConfig({
    argv: [],
    env: {},
    interfaces,
    hostname: 'gate-1',
    readFile: async () => lines.join('\n'),
    fetchText: () => Promise.reject(new Error('no URL')),
  })
  return JSON.parse(JSON.stringify(fabioConfig(config))) as Record<string, Record<string, unknown>>
}

// fabio reference 9.4.
describe('the configuration in the structure of fabio', () => {
  test('has its names at the top, in the proxy, the registry and the listeners', async () => {
    const config = await configOf()
    const top = [
      'Log',
      'ProfileMode',
      'ProfilePath',
      'Listen',
      'Metrics',
      'BGP',
      'UI',
      'Registry',
      'Proxy',
      'Runtime',
    ]
    expect(Object.keys(config)).toEqual([...top, 'GlobCacheSize', 'Insecure', 'GlobMatchingDisabled'])
    expect(Object.keys(config.Registry!).sort()).toEqual([
      'Backend',
      'Consul',
      'Custom',
      'File',
      'Retry',
      'Static',
      'Timeout',
    ])
    const proxy = [
      ...['GZIPContentTypes', 'AuthSchemes', 'Strategy', 'Matcher', 'LocalIP', 'ClientIPHeader', 'TLSHeader'],
      ...['TLSHeaderValue', 'RequestID', 'STSHeader', 'NoRouteStatus', 'MaxConn', 'ShutdownWait'],
      ...[
        'DeregisterGracePeriod',
        'DialTimeout',
        'ResponseHeaderTimeout',
        'KeepAliveTimeout',
        'IdleConnTimeout',
      ],
      ...[
        'FlushInterval',
        'GlobalFlushInterval',
        'GRPCMaxRxMsgSize',
        'GRPCMaxTxMsgSize',
        'GRPCGShutdownTimeout',
      ],
    ]
    expect(Object.keys(config.Proxy!)).toEqual(proxy)
    const [listen] = config.Listen as unknown as Record<string, unknown>[]
    expect(Object.keys(listen!).sort()).toEqual(
      [
        ...[
          'Addr',
          'CertSource',
          'IdleTimeout',
          'Proto',
          'ProxyHeaderTimeout',
          'ProxyProto',
          'ReadTimeout',
          'Refresh',
        ],
        ...['StrictMatch', 'TLSCiphers', 'TLSMaxVersion', 'TLSMinVersion', 'WriteTimeout'],
      ].sort(),
    )
    expect(config.Runtime).toEqual({ GOGC: 100, GOMAXPROCS: -1 })
  })

  test('has durations in nanoseconds and addresses as they are written', async () => {
    const config = await configOf(
      'proxy.dialtimeout = 1m30s',
      'proxy.addr = [::1]:80;rt=250ms',
      'registry.consul.addr = https://consul.example:8501/x',
      'registry.retry = 1ms',
    )
    expect(config.Proxy!.DialTimeout).toBe(90_000_000_000)
    expect(config.Listen).toEqual([expect.objectContaining({ Addr: '[::1]:80', ReadTimeout: 250_000_000 })])
    expect(config.Registry!.Retry).toBe(1_000_000)
    expect(config.Registry!.Consul).toMatchObject({ Addr: 'consul.example:8501', Scheme: 'https' })
  })

  test('has the values that were set', async () => {
    const config = await configOf(
      'proxy.gzip.contenttype = ^text/plain$',
      'proxy.auth = name=a;type=basic;file=/x;realm=r;refresh=1m',
      'glob.matching.disabled = true',
      'metrics.target = prometheus, statsd_raw',
      'ui.path = /fabio/',
    )
    expect(config.Proxy).toMatchObject({ GZIPContentTypes: '^text/plain$', Strategy: 'rr' })
    expect(config.Proxy!.AuthSchemes).toMatchObject({
      a: { Name: 'a', Type: 'basic', Basic: { Realm: 'r', File: '/x', Refresh: 60_000_000_000 } },
    })
    expect(config.GlobMatchingDisabled).toBe(true)
    expect(config.Metrics!.Target).toBe('prometheus,statsd_raw')
    expect(config.UI!.Path).toBe('/fabio')
  })

  // QUIRK-42.
  test('has no secret', async () => {
    const text = JSON.stringify(
      await configOf(
        'registry.consul.token = hush-1',
        'registry.custom.queryparams = token=hush-2',
        'metrics.circonus.apikey = hush-3',
        'metrics.circonus.submissionurl = https://u:hush-4@h/?api_key=hush-5',
        'bgp.peers = address=1.2.3.4;password=hush-6',
        'metrics.circonus.apiurl = https://u:hush-7@h/',
      ),
    )
    expect(text).not.toContain('hush')
    expect(text.match(/\(secret\)/g)).toHaveLength(6)
  })
})
