import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { GatewayError } from '../../src/base/errors.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { systemClock } from '../../src/base/world.ts'
import type { ResponseSink, TunnelEnd, UpstreamRequest } from '../../src/http1/messages.ts'
import type { UpstreamAddress } from '../../src/upstream/address.ts'
import type { UpstreamCall, UpstreamClient } from '../../src/upstream/client.ts'
import type { UndiciClientOptions } from '../../src/upstream/undici-client.ts'
import type { WireClientOptions } from '../../src/upstream/wire-client.ts'
import { blackHole } from '../support/black-hole.ts'
import { startRawOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

export type PoolOptions = UndiciClientOptions & WireClientOptions
export type BuildClient = (
  address: UpstreamAddress,
  options: PoolOptions,
  wheel: TimerWheel,
) => UpstreamClient

export const poolOptions: PoolOptions = {
  dialTimeout: 5_000,
  headTimeout: 0,
  answerStallTimeout: 0,
  idleTimeout: 4_000,
  keepAlivePeriod: 0,
  maxConnections: 0,
  maxWaiting: 100,
  waitTimeout: 0,
  reuse: 'always',
  stallTimeout: 0,
  maxHeadSize: 65_536,
  maxFields: 100,
  maxTargetSize: 0,
}

export const addressOf = (url: string): UpstreamAddress => ({
  origin: new URL(url).origin,
  serverName: null,
  tlsSkipVerify: false,
})

export const getOf = (target: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'GET',
  target,
  lines: 'Host: a\r\n',
  upgrade: '',
  body: null,
  limits: null,
  fresh: false,
  ...more,
})

/** What one exchange came to. */
export class Outcome implements ResponseSink {
  wasSent = false
  body = ''
  /** `ended`, `switched` or the code of its failure; empty: it is under way. */
  how = ''
  error: GatewayError | null = null
  call: UpstreamCall | null = null
  #told: () => void = () => {}
  readonly over = new Promise<void>((resolve) => {
    this.#told = resolve
  })

  sent(): void {
    this.wasSent = true
  }
  informed(): void {}
  head(): void {}
  data(chunk: Buffer): boolean {
    this.body += chunk.toString('latin1')
    return true
  }
  end(): void {
    this.#end('ended')
  }
  /** A tunnel that carries nothing, and ends with its other side. */
  switched(_fields: unknown, { transport, handOver }: TunnelEnd): void {
    handOver({
      data() {},
      ended: () => transport.end(),
      drained() {},
      writeFailed() {},
      closed() {},
    })
    transport.resume()
    this.#end('switched')
  }
  failed(error: GatewayError): void {
    this.error = error
    this.#end(error.code)
  }
  #end(how: string): void {
    expect(this.how, 'an exchange ends once').toBe('')
    this.how = how
    this.#told()
  }
}

/** A request that reached the upstream, and how it is answered. */
interface Reached {
  readonly target: string
  readonly connection: number
  readonly socket: Socket
  answer(...lines: string[]): void
}

/** An upstream that answers when the test says so, and a client for it. */
export async function pooled(build: BuildClient, options: Partial<PoolOptions> = {}) {
  const reached: Reached[] = []
  let count = 0
  const origin = await startRawOrigin((socket) => {
    const connection = count++
    socket.on('data', (chunk) => {
      for (const [, target = ''] of chunk.toString('latin1').matchAll(/^[A-Z]+ (\S+) HTTP\/1\.1\r\n/gm)) {
        const answer = (...lines: string[]): void => {
          const fields = lines.map((line) => `${line}\r\n`).join('')
          socket.write(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${target.length}\r\n\r\n${target}`)
        }
        reached.push({ target, connection, socket, answer })
      }
    })
  })
  onTestFinished(() => origin.close())
  const client = build(addressOf(origin.url), { ...poolOptions, ...options }, new TimerWheel(systemClock, 10))
  onTestFinished(() => client.destroy())
  const send = (request: UpstreamRequest): Outcome => {
    const outcome = new Outcome()
    outcome.call = client.send(request, outcome)
    return outcome
  }
  const arrived = (n: number) =>
    waitFor(() => reached.length >= n && reached, { what: `request ${n} to arrive` })
  /** One exchange from beginning to end. */
  const exchange = async (target: string, ...lines: string[]): Promise<Reached> => {
    const n = reached.length
    const outcome = send(getOf(target))
    await arrived(n + 1)
    reached[n]!.answer(...lines)
    await outcome.over
    expect([outcome.how, outcome.body]).toEqual(['ended', target])
    // undici's connection is free a moment after it has told of the end.
    await pause(5)
    return reached[n]!
  }
  return { client, origin, reached, send, arrived, exchange }
}

/** What every client of an upstream does with its connections. */
export function upstreamClientContract(name: string, build: BuildClient): void {
  describe(`${name} as a pool`, () => {
    test('takes a connection again once both messages are over, and opens another only beside it', async () => {
      const { send, arrived, reached, exchange } = await pooled(build)
      for (const target of ['/1', '/2', '/3']) expect((await exchange(target)).connection).toBe(0)
      const both = [send(getOf('/4')), send(getOf('/5'))]
      await arrived(5)
      expect(new Set(reached.slice(3).map(({ connection }) => connection))).toEqual(new Set([0, 1]))
      for (const { answer } of reached.slice(3)) answer()
      await Promise.all(both.map(({ over }) => over))
    })

    test('opens no more than proxy.maxconn connections, and serves who waits in turn', async () => {
      const { send, arrived, reached, origin } = await pooled(build, { maxConnections: 2 })
      const outcomes = Array.from({ length: 6 }, (_, n) => send(getOf(`/${n}`)))
      await arrived(2)
      await pause(30)
      expect(reached).toHaveLength(2)
      expect(outcomes.map(({ wasSent }) => wasSent)).toEqual([true, true, false, false, false, false])
      for (let n = 0; n < 6; n++) {
        await arrived(n + 1)
        reached[n]!.answer()
        await outcomes[n]!.over
      }
      expect(reached.map(({ target }) => target)).toEqual(['/0', '/1', '/2', '/3', '/4', '/5'])
      expect(outcomes.map(({ body }) => body)).toEqual(['/0', '/1', '/2', '/3', '/4', '/5'])
      expect(origin.sockets).toHaveLength(2)
    })

    test('fails who has waited for proxy.queue.timeout, and nobody else', async () => {
      const { send, arrived, reached } = await pooled(build, { maxConnections: 1, waitTimeout: 100 })
      const first = send(getOf('/first'))
      const late = send(getOf('/late'))
      await late.over
      expect([late.how, late.wasSent, late.error!.status]).toEqual(['GW_QUEUE_TIMEOUT', false, 503])
      const next = send(getOf('/next'))
      reached[0]!.answer()
      await first.over
      await arrived(2)
      reached[1]!.answer()
      await next.over
      expect([first.how, next.how, next.body]).toEqual(['ended', 'ended', '/next'])
      await pause(150)
      expect(reached.map(({ target }) => target)).toEqual(['/first', '/next'])
    })

    test('fails who finds proxy.queue.size waiting, and tells so only when its call is there', async () => {
      const { send, arrived, reached } = await pooled(build, { maxConnections: 1, maxWaiting: 1 })
      const [running, waiting, refused] = ['/1', '/2', '/3'].map((target) => send(getOf(target)))
      expect(refused!.how).toBe('')
      await refused!.over
      expect([refused!.how, refused!.error!.retry]).toEqual(['GW_QUEUE_FULL', 'always'])
      await arrived(1)
      reached[0]!.answer()
      await running!.over
      await arrived(2)
      reached[1]!.answer()
      await waiting!.over
      expect(waiting!.body).toBe('/2')
    })

    test('lets a request go that is given up while it waits, and the next one has its turn', async () => {
      const { send, arrived, reached } = await pooled(build, { maxConnections: 1 })
      const [running, gone, next] = ['/1', '/gone', '/3'].map((target) => send(getOf(target)))
      gone!.call!.abort()
      gone!.call!.abort()
      expect(gone!.how).toBe('GW_CLIENT_GONE')
      await arrived(1)
      reached[0]!.answer()
      await running!.over
      await arrived(2)
      expect(reached[1]!.target).toBe('/3')
      // A call that waited is resumed and given up as any other.
      next!.call!.resume()
      next!.call!.abort()
      await next!.over
      expect(next!.how).toBe('GW_CLIENT_GONE')
      await waitFor(() => reached[1]!.socket.destroyed, { what: 'its connection to close' })
    })

    test('gives the place of a connection that died to who waits', async () => {
      const { send, arrived, reached } = await pooled(build, { maxConnections: 1 })
      const dying = send(getOf('/dying'))
      const waiting = send(getOf('/waiting'))
      await arrived(1)
      reached[0]!.socket.destroy()
      await dying.over
      expect(dying.how).toBe('GW_RESET')
      await arrived(2)
      expect([reached[1]!.target, reached[1]!.connection]).toEqual(['/waiting', 1])
      reached[1]!.answer()
      await waiting.over
      expect(waiting.how).toBe('ended')
    })

    test('fails all who wait, one after the other, where nobody accepts connections', async () => {
      const { client, origin, send } = await pooled(build, { maxConnections: 1 })
      await origin.close()
      const outcomes = Array.from({ length: 5 }, (_, n) => send(getOf(`/${n}`)))
      await Promise.all(outcomes.map(({ over }) => over))
      expect(new Set(outcomes.map(({ how }) => how))).toEqual(new Set(['GW_CONNECT_REFUSED']))
      await client.close()
    })

    test('counts a connection that became a tunnel until it closes', async () => {
      const { send, arrived, reached } = await pooled(build, { maxConnections: 1 })
      const tunnel = send(getOf('/chat', { upgrade: 'websocket' }))
      await arrived(1)
      const { socket } = reached[0]!
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      await tunnel.over
      const waiting = send(getOf('/waiting'))
      await pause(30)
      expect([tunnel.how, reached.length]).toEqual(['switched', 1])
      socket.destroy()
      await arrived(2)
      reached[1]!.answer()
      await waiting.over
    })

    test('closes a connection that has been idle for proxy.idleconntimeout', async () => {
      const { exchange } = await pooled(build, { idleTimeout: 200 })
      const { socket } = await exchange('/1')
      const start = performance.now()
      await waitFor(() => socket.destroyed, { what: 'the idle connection to close', deadline: 3_000 })
      expect(performance.now() - start).toBeGreaterThan(100)
      expect((await exchange('/2')).connection).toBe(1)
    })

    test('closes a connection before the time that its upstream states in Keep-Alive', async () => {
      const { exchange } = await pooled(build, { idleTimeout: 60_000 })
      // undici takes off two seconds, the wire engine one.
      const { socket } = await exchange('/1', 'Keep-Alive: timeout=3, max=100')
      const start = performance.now()
      await waitFor(() => socket.destroyed, { what: 'the idle connection to close', deadline: 3_000 })
      expect(performance.now() - start).toBeGreaterThan(500)
    })

    test('uses no connection that its upstream has closed or spoken on meanwhile', async () => {
      const { exchange } = await pooled(build)
      const first = await exchange('/1')
      first.socket.end()
      await once(first.socket, 'close')
      const second = await exchange('/2')
      expect(second.connection).toBe(1)
      second.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
      await waitFor(() => second.socket.destroyed, { what: 'the connection to be given up' })
      expect((await exchange('/3')).connection).toBe(2)
    })

    test('gives up connecting after proxy.dialtimeout', async () => {
      const url = await blackHole()
      const client = build(
        addressOf(url),
        { ...poolOptions, dialTimeout: 300 },
        new TimerWheel(systemClock, 10),
      )
      onTestFinished(() => client.destroy())
      const outcome = new Outcome()
      const start = performance.now()
      client.send(getOf('/'), outcome)
      await outcome.over
      expect([outcome.how, outcome.wasSent]).toEqual(['GW_CONNECT_TIMEOUT', false])
      expect(performance.now() - start).toBeGreaterThan(250)
      // undici looks at its clock once a second.
      expect(performance.now() - start).toBeLessThan(2_500)
    })

    test('lets those that run and wait come to their end when it is closed', async () => {
      const { client, send, arrived, reached } = await pooled(build, { maxConnections: 1 })
      const outcomes = [send(getOf('/1')), send(getOf('/2'))]
      await arrived(1)
      let isClosed = false
      const closed = client.close().then(() => {
        isClosed = true
      })
      for (let n = 0; n < 2; n++) {
        expect(isClosed).toBe(false)
        await arrived(n + 1)
        reached[n]!.answer()
        await outcomes[n]!.over
      }
      await closed
      expect(outcomes.map(({ how }) => how)).toEqual(['ended', 'ended'])
    })

    test('ends those that run and wait when it is destroyed', async () => {
      const { client, send, arrived } = await pooled(build, { maxConnections: 1 })
      const outcomes = [send(getOf('/1')), send(getOf('/2'))]
      await arrived(1)
      await client.destroy()
      await Promise.all(outcomes.map(({ over }) => over))
      expect(outcomes.map(({ how }) => how)).toEqual(['GW_CONNECT_FAILED', 'GW_CONNECT_FAILED'])
    })
  })
}
