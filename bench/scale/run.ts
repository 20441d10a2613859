import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { freePort, Processes } from '../processes.ts'
import { Catalog, type ScaleInstance, startConsul } from './consul.ts'
import { CountingProxy } from './counting-proxy.ts'

// How the gateway follows a real Consul with many services: `npm run bench:scale`. Everything is on loopback: 20,000
// addresses of 127/8 are one server, which answers with the address that it was reached at.

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '2000' },
    instances: { type: 'string', default: '10' },
    flips: { type: 'string', default: '100' },
    joins: { type: 'string', default: '30' },
    idle: { type: 'string', default: '20' },
    consul: { type: 'string', default: process.env.CONSUL_BIN ?? 'consul' },
    json: { type: 'boolean', default: false },
  },
})
const services = Number(values.services)
const perService = Number(values.instances)
const nodes = 20

const percentile = (list: readonly number[], part: number): number =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? Number.NaN

const instanceAt = (service: number, index: number): ScaleInstance => {
  const n = service * perService + index
  return {
    service: `svc-${service}`,
    id: `svc-${service}-${index}`,
    node: `node-${n % nodes}`,
    address: `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
  }
}

const processes = new Processes(process.env)
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

async function main(): Promise<void> {
  const upstream = createServer((request, response) => {
    request.resume()
    response.setHeader('content-length', Buffer.byteLength(request.socket.localAddress ?? ''))
    response.end(request.socket.localAddress)
  })
  upstream.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => upstream.listen(0, '0.0.0.0', resolve))
  const upstreamPort = (upstream.address() as AddressInfo).port

  const consul = await startConsul(processes, values.consul)
  const catalog = new Catalog(consul.port)
  say(`registering ${services} services with ${perService} instances each`)
  const all: ScaleInstance[] = []
  for (let s = 0; s < services; s++) for (let i = 0; i < perService; i++) all.push(instanceAt(s, i))
  for (let at = 0; at < all.length; at += 32) {
    await Promise.all(all.slice(at, at + 32).map((instance) => catalog.register(instance, upstreamPort)))
  }
  const steady = await startSteady()
  await catalog.register(
    { service: 'steady', id: 'steady-0', node: 'node-0', address: '127.0.0.1' },
    steady.upstreamPort,
  )
  await pause(2_000)

  const proxy = new CountingProxy()
  const proxyPort = await proxy.listen(consul.port)
  const [trafficPort, adminPort] = [await freePort(), await freePort()]
  const startedAt = performance.now()
  const gateway = processes.start({
    name: 'gatehouse',
    command: process.execPath,
    args: [
      join(root, 'dist/main.js'),
      ...[
        '-registry.consul.addr',
        `127.0.0.1:${proxyPort}`,
        '-registry.timeout',
        '60s',
        '-log.level',
        'ERROR',
      ],
      ...['-proxy.addr', `127.0.0.1:${trafficPort}`, '-ui.addr', `127.0.0.1:${adminPort}`],
    ],
    core: null,
  })
  const pool = new Pool(`http://127.0.0.1:${trafficPort}`, { connections: 4 })
  const ask = async (service: string): Promise<string> => {
    const answer = await pool.request({ method: 'GET', path: `/${service}/` })
    const text = await answer.body.text()
    return answer.statusCode === 200 ? text : String(answer.statusCode)
  }
  const last = `svc-${services - 1}`
  while ((await ask(last).catch(() => '')) === '') {
    if (gateway.exit() !== null) throw new Error(`gatehouse ended: ${gateway.output()}`)
    await pause(10)
  }
  const fullTableMs = performance.now() - startedAt
  const start = proxy.take()
  say(`full table after ${Math.round(fullTableMs)} ms: ${start.requests} requests, ${start.received} octets`)
  await pause(3_000)

  proxy.take()
  await pause(Number(values.idle) * 1_000)
  const idle = proxy.take()
  const idleRss = rssOf(gateway.pid)

  /** Milliseconds until the answers of a service show that an instance is gone, or there. */
  const untilSeen = async (instance: ScaleInstance, isThere: boolean): Promise<number> => {
    const from = performance.now()
    let lastSeenAt = from
    for (let without = 0; ; ) {
      const address = await ask(instance.service)
      const now = performance.now()
      if (now - from > 60_000) return Number.POSITIVE_INFINITY
      if (address !== instance.address) {
        if (!isThere && ++without > 3 * perService) return Math.max(0, lastSeenAt - from)
        continue
      }
      if (isThere) return now - from
      without = 0
      lastSeenAt = now
    }
  }

  steady.start(trafficPort)
  await pause(1_000)
  await steady.take()
  await pause(8_000)
  const quiet = await steady.take()

  const flips: number[] = []
  proxy.take()
  for (let n = 0; n < Number(values.flips); n++) {
    const instance = instanceAt(Math.floor((n * services) / Number(values.flips)), n % perService)
    await catalog.setStatus(instance, 'critical')
    flips.push(await untilSeen(instance, false))
    await catalog.setStatus(instance, 'passing')
    flips.push(await untilSeen(instance, true))
  }
  const flipTraffic = proxy.take()
  const duringFlips = await steady.take()

  const joins: number[] = []
  for (let n = 0; n < Number(values.joins); n++) {
    const service = Math.floor(((n + 0.5) * services) / Number(values.joins))
    const joining = { ...instanceAt(service, 0), id: `joined-${n}`, address: `127.200.0.${n + 1}` }
    await catalog.register(joining, upstreamPort)
    joins.push(await untilSeen(joining, true))
    await catalog.deregister(joining)
    joins.push(await untilSeen(joining, false))
    await pause(300)
  }
  const joinTraffic = proxy.take()
  const duringJoins = await steady.take()
  steady.stop()

  const figures = {
    services,
    instances: services * perService,
    fullTableMs: Math.round(fullTableMs),
    flipMs: { p50: round(percentile(flips, 0.5)), p99: round(percentile(flips, 0.99)), count: flips.length },
    joinMs: { p50: round(percentile(joins, 0.5)), p99: round(percentile(joins, 0.99)), count: joins.length },
    perFlip: {
      requests: round(flipTraffic.requests / flips.length),
      octets: Math.round(flipTraffic.received / flips.length),
    },
    perJoin: {
      requests: round(joinTraffic.requests / joins.length),
      octets: Math.round(joinTraffic.received / joins.length),
    },
    idleRequestsPerSecond: round(idle.requests / Number(values.idle)),
    connections: { now: proxy.open, most: proxy.mostOpen },
    rssMiB: { idle: idleRss.now, ...rssOf(gateway.pid) },
    trafficP99Ms: { quiet: p99(quiet), duringFlips: p99(duringFlips), duringJoins: p99(duringJoins) },
    trafficErrors: [...quiet, ...duringFlips, ...duringJoins].filter((ms) => ms < 0).length,
  }
  process.stdout.write(`${JSON.stringify(figures, null, values.json ? 0 : 2)}\n`)
  proxy.close()
  await pool.close()
  upstream.close()
  upstream.closeAllConnections()
}

/** Resident memory of a process and the most that it was, in MiB. */
function rssOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
  return { now: mebibytes('VmRSS'), peak: mebibytes('VmHWM') }
}

const round = (value: number): number => Math.round(value * 10) / 10
const p99 = (list: readonly number[]): number =>
  round(
    percentile(
      list.filter((ms) => ms >= 0),
      0.99,
    ),
  )

interface Steady {
  readonly upstreamPort: number
  start(port: number): void
  /** Latencies since the last call, in ms, -1 for an answer that was none. */
  take(): Promise<number[]>
  stop(): void
}

async function startSteady(): Promise<Steady> {
  const child = fork(fileURLToPath(new URL('./steady.js', import.meta.url)))
  const [{ upstreamPort }] = (await once(child, 'message')) as [{ upstreamPort: number }]
  return {
    upstreamPort,
    start: (port) => void child.send({ start: port }),
    async take() {
      const answer = once(child, 'message') as Promise<[{ latencies: number[] }]>
      child.send('take')
      return (await answer)[0].latencies
    },
    stop: () => void child.kill(),
  }
}

const ended = async (code: number): Promise<never> => {
  await processes.stop()
  process.exit(code)
}
process.on('SIGINT', () => void ended(130))
main().then(
  () => ended(0),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return ended(1)
  },
)
