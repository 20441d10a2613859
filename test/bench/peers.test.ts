import { describe, expect, test } from 'vitest'
import { caddyfile } from '../../bench/peers/caddy.ts'
import { gatehouseProperties } from '../../bench/peers/gatehouse.ts'
import { haproxyConfig } from '../../bench/peers/haproxy.ts'
import { nginxConfig } from '../../bench/peers/nginx.ts'
import { loadConfig } from '../../src/config/load.ts'

const ports = { proxy: 8001, upstream: 8002, clients: 4_096 }
const nginx = { ...ports, folder: '/tmp/x', asRoot: false }

describe('the configuration of', () => {
  test('gatehouse states addresses and the one core that all are held on, and leaves everything else as it is', async () => {
    const load = (text: string) =>
      loadConfig({
        argv: ['-cfg', 'bench.properties'],
        env: {},
        interfaces: {},
        hostname: 'bench',
        readFile: async () => text,
        fetchText: async () => '',
      })
    const { config, warnings } = await load(gatehouseProperties({ proxy: 8001, admin: 8003, registry: 8004 }))
    const defaults = (await load('')).config
    expect(warnings).toEqual([])
    expect(config['proxy.addr']).toMatchObject([{ host: '127.0.0.1', port: 8001 }])
    expect(config['ui.addr']).toMatchObject({ host: '127.0.0.1', port: 8003 })
    expect(config['proxy.workers']).toBe(1)
    const stated = ['proxy.addr', 'ui.addr', 'registry.consul.addr', 'proxy.workers'] as const
    expect({ ...config, ...pick(defaults, stated) }).toEqual(defaults)
    expect(config['registry.consul.addr']).toBe('127.0.0.1:8004')
  })

  const rows: [name: string, text: string, settings: (string | RegExp)[]][] = [
    [
      'HAProxy',
      haproxyConfig(ports),
      ['nbthread 1', 'bind 127.0.0.1:8001', 'server upstream 127.0.0.1:8002', 'http-reuse always'],
    ],
    [
      'nginx',
      nginxConfig(nginx),
      [
        'worker_processes 1;',
        'listen 127.0.0.1:8001',
        'server 127.0.0.1:8002;',
        'keepalive 256;',
        'access_log off;',
      ],
    ],
    [
      'Caddy',
      caddyfile(ports),
      ['http://:8001 {', 'bind 127.0.0.1', 'reverse_proxy 127.0.0.1:8002', 'admin off'],
    ],
  ]
  for (const [name, text, settings] of rows) {
    test(`${name} listens on the loopback address, forwards to the upstream and keeps its connections`, () => {
      for (const setting of settings) expect(text).toContain(setting)
    })
  }

  const added = [
    'X-Real-Ip',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Port',
    'X-Forwarded-Host',
    'Forwarded',
  ]
  const adds: [name: string, text: string, ofItsOwn: string[]][] = [
    ['HAProxy', haproxyConfig(ports).replace('option forwardfor', 'X-Forwarded-For'), []],
    ['nginx', nginxConfig(nginx), []],
    ['Caddy', caddyfile(ports), ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host']],
  ]
  for (const [name, text, ofItsOwn] of adds) {
    test(`${name} adds each field that gatehouse adds, once`, () => {
      for (const field of added.filter((field) => !ofItsOwn.includes(field))) {
        expect(text.match(new RegExp(`(?<![\\w-])${field}(?![\\w-])`, 'gi')), field).toHaveLength(1)
      }
    })
  }

  test('nginx writes nowhere but into its folder', () => {
    const paths = [...nginxConfig(nginx).matchAll(/^\s*(?:pid|\w+_temp_path)\s+(\S+);$/gm)].map(
      ([, path]) => path,
    )
    expect(paths).toHaveLength(6)
    for (const path of paths) expect(path).toMatch(/^\/tmp\/x\//)
  })

  test('nginx names a user only when it is started by root, who alone may', () => {
    expect(nginxConfig(nginx)).not.toMatch(/^user/m)
    expect(nginxConfig({ ...nginx, asRoot: true })).toMatch(/^user root;$/m)
  })
})

const pick = <T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
