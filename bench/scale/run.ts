import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { freePort, Processes } from '../processes.ts'
import { Catalog, type ScaleInstance, startConsul } from './consul.ts'
import { CountingProxy, type Traffic } from './counting-proxy.ts'
import { latenciesOf, round } from './latencies.ts'
import { memoryOf } from './memory.ts'

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
    windows: { type: 'string', default: '5' },
    workers: { type: 'string', default: '0' },
    pause: { type: 'string', default: '0' },
    consul: { type: 'string', default: process.env.CONSUL_BIN ?? 'consul' },
    json: { type: 'boolean', default: false },
  },
})
const services = Number(values.services)
const perService = Number(values.instances)
const idleSeconds = Number(values.idle)
const windows = Number(values.windows)
const pauseMs = Number(values.pause)
const workers = Number(values.workers) || availableParallelism()
const nodes = 20

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
  const upstream = await startUpstream()
  const upstreamPort = (upstream.address() as AddressInfo).port
  const consul = await startConsul(processes, values.consul)
  const catalog = new Catalog(consul.port)
  const steady = await startSteady()
  await fill(catalog, upstreamPort, steady.upstreamPort)

  const proxy = new CountingProxy()
  const { pid, ask, trafficPort, fullTableMs } = await startGateway(await proxy.listen(consul.port))
  const atStart = proxy.take()
  say(
    `full table after ${Math.round(fullTableMs)} ms: ${atStart.requests} requests, ${atStart.received} octets`,
  )
  // The gateway's own registration is one that no check explains: every service is read once more after it.
  await pause(3_000 + 20 * services)

  proxy.take()
  await pause(idleSeconds * 1_000)
  const idle = proxy.take()
  const memoryIdle = memoryOf(pid)
  say(`idle: ${idle.requests} requests in ${idleSeconds} s, ${memoryIdle.rss} MiB`)

  const watcher = new Watcher(catalog, ask, upstreamPort)
  const latencies = new Map<string, number[]>()
  const collect = async (name: string): Promise<void> => {
    latencies.set(name, [...(latencies.get(name) ?? []), ...(await steady.take())])
  }
  steady.start(trafficPort)
  await pause(2_000)
  await steady.take()
  await pause(8_000)
  await collect('alone')

  // A window in which things change and one as long in which nothing does, in turns: what else goes on at the machine
  // is then in both, and so are the questions that are asked here to see a change.
  const counted = { flips: none, joins: none }
  for (let window = 0; window < windows; window++) {
    for (const [name, change] of [
      ['flips', () => watcher.flip(Math.ceil(Number(values.flips) / windows))],
      ['joins', () => watcher.join(Math.ceil(Number(values.joins) / windows))],
    ] as const) {
      await steady.take()
      proxy.take()
      const from = performance.now()
      await change()
      counted[name] = sum(counted[name], proxy.take())
      await collect(name)
      const until = performance.now() + (performance.now() - from)
      while (performance.now() < until) await ask('steady')
      await collect(`besides ${name}`)
    }
    say(`window ${window + 1} of ${windows}: flips ${latenciesOf(watcher.flips).p99} ms p99`)
  }
  steady.stop()
  const memoryAfterChanges = memoryOf(pid)

  const touched = await touchAll(trafficPort)
  const memoryTouched = memoryOf(pid)
  say(`${touched} addresses touched: ${memoryTouched.rss} MiB`)

  const { flips, joins, leaves } = watcher
  const per = (traffic: Traffic, count: number) => ({
    requests: round(traffic.requests / count),
    octets: Math.round(traffic.received / count),
  })
  const figures = {
    services,
    instances: services * perService,
    workers,
    start: { fullTableMs: Math.round(fullTableMs), requests: atStart.requests, octets: atStart.received },
    flipMs: latenciesOf(flips),
    joinMs: latenciesOf(joins),
    leaveMs: latenciesOf(leaves),
    perFlip: per(counted.flips, flips.length),
    perJoinOrLeave: per(counted.joins, joins.length + leaves.length),
    idle: {
      requestsPerSecond: round(idle.requests / idleSeconds),
      octetsPerSecond: Math.round(idle.received / idleSeconds),
    },
    connections: { now: proxy.open, most: proxy.mostOpen },
    memoryMiB: { idle: memoryIdle, afterChanges: memoryAfterChanges, allAddressesTouched: memoryTouched },
    touched,
    trafficMs: Object.fromEntries([...latencies].map(([name, list]) => [name, latenciesOf(list)])),
    trafficErrors: [...latencies.values()].flat().filter((ms) => ms < 0).length,
  }
  process.stdout.write(`${JSON.stringify(figures, null, values.json ? 0 : 2)}\n`)
  proxy.close()
  upstream.close()
  upstream.closeAllConnections()
}

const none: Traffic = { requests: 0, received: 0 }
const sum = (a: Traffic, b: Traffic): Traffic => ({
  requests: a.requests + b.requests,
  received: a.received + b.received,
})

/** Says at which address it was reached. */
async function startUpstream(): Promise<Server> {
  const upstream = createServer((request, response) => {
    request.resume()
    response.setHeader('content-length', Buffer.byteLength(request.socket.localAddress ?? ''))
    response.end(request.socket.localAddress)
  })
  upstream.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => upstream.listen(0, '0.0.0.0', resolve))
  return upstream
}

async function fill(catalog: Catalog, port: number, steadyPort: number): Promise<void> {
  say(`registering ${services} services with ${perService} instances each`)
  const all: ScaleInstance[] = []
  for (let s = 0; s < services; s++) for (let i = 0; i < perService; i++) all.push(instanceAt(s, i))
  for (let at = 0; at < all.length; at += 32) {
    await Promise.all(all.slice(at, at + 32).map((instance) => catalog.register(instance, port)))
  }
  await catalog.register(
    { service: 'steady', id: 'steady-0', node: 'node-0', address: '127.0.0.1' },
    steadyPort,
  )
  await pause(2_000)
}

type Ask = (service: string) => Promise<string>

interface MeasuredGateway {
  readonly pid: number
  /** The text of the answer, or its status. */
  readonly ask: Ask
  readonly trafficPort: number
  /** From the start of the process to the first answer of the last service. */
  readonly fullTableMs: number
}

async function startGateway(consulPort: number): Promise<MeasuredGateway> {
  const [trafficPort, adminPort] = [await freePort(), await freePort()]
  const startedAt = performance.now()
  const gateway = processes.start({
    name: 'gatehouse',
    command: process.execPath,
    args: [
      join(root, 'dist/main.js'),
      ...['-registry.consul.addr', `127.0.0.1:${consulPort}`, '-registry.timeout', '60s'],
      ...['-log.level', 'ERROR', '-proxy.workers', String(workers)],
      ...['-proxy.addr', `127.0.0.1:${trafficPort}`, '-ui.addr', `127.0.0.1:${adminPort}`],
    ],
    core: null,
  })
  const pool = new Pool(`http://127.0.0.1:${trafficPort}`, { connections: 4 })
  const ask: Ask = async (service) => {
    const answer = await pool.request({ method: 'GET', path: `/${service}/` })
    const text = await answer.body.text()
    return answer.statusCode === 200 ? text : String(answer.statusCode)
  }
  const last = `svc-${services - 1}`
  while ((await ask(last).catch(() => '')) === '') {
    if (gateway.exit() !== null) throw new Error(`gatehouse ended: ${gateway.output()}`)
    await pause(10)
  }
  return { pid: gateway.pid, ask, trafficPort, fullTableMs: performance.now() - startedAt }
}

/** Changes instances and waits until answers show it. */
class Watcher {
  readonly flips: number[] = []
  readonly joins: number[] = []
  readonly leaves: number[] = []
  readonly #catalog: Catalog
  readonly #ask: Ask
  readonly #upstreamPort: number
  #changed = 0

  constructor(catalog: Catalog, ask: Ask, upstreamPort: number) {
    this.#catalog = catalog
    this.#ask = ask
    this.#upstreamPort = upstreamPort
  }

  async flip(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const instance = this.#next()
      await this.#catalog.setStatus(instance, 'critical')
      this.flips.push(await this.#untilSeen(instance, false))
      await this.#catalog.setStatus(instance, 'passing')
      this.flips.push(await this.#untilSeen(instance, true))
      await pause(pauseMs)
    }
  }

  async join(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { service } = this.#next()
      const n = this.#changed
      const joining = { service, id: `joined-${n}`, node: 'node-0', address: `127.200.${n >> 8}.${n & 255}` }
      await this.#catalog.register(joining, this.#upstreamPort)
      this.joins.push(await this.#untilSeen(joining, true))
      await this.#catalog.deregister(joining)
      this.leaves.push(await this.#untilSeen(joining, false))
      await pause(300)
    }
  }

  /** Another service each time, far from the one before. */
  #next(): ScaleInstance {
    const n = this.#changed++
    return instanceAt((n * 7919) % services, n % perService)
  }

  /** Milliseconds until the answers of a service show that an instance is gone, or there. */
  async #untilSeen(instance: ScaleInstance, isThere: boolean): Promise<number> {
    const from = performance.now()
    let lastSeenAt = from
    // Each process has a turn of its own to go through.
    const enough = 3 * (perService + 1) * workers
    for (let without = 0; ; ) {
      const address = await this.#ask(instance.service)
      const now = performance.now()
      if (now - from > 60_000) return Number.POSITIVE_INFINITY
      if (address !== instance.address) {
        if (!isThere && ++without > enough) return Math.max(0, lastSeenAt - from)
        continue
      }
      if (isThere) return now - from
      without = 0
      lastSeenAt = now
    }
  }
}

/** Has traffic go to every address, in every process as far as chance allows. Resolves with how many were reached. */
async function touchAll(port: number): Promise<number> {
  const reached = new Set<string>()
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 8 * workers })
  for (let round = 0; round < 3 && (round < 1 || reached.size < services * perService); round++) {
    for (let at = 0; at < services; at += 8) {
      const some = Array.from({ length: Math.min(8, services - at) }, (_, i) => `/svc-${at + i}/`)
      const questions = some.flatMap((path) => Array<string>(2 * perService * workers).fill(path))
      const answers = await Promise.all(
        questions.map(async (path) => (await pool.request({ method: 'GET', path })).body.text()),
      )
      for (const address of answers) reached.add(address)
    }
  }
  await pool.close()
  return reached.size
}

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
