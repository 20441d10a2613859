import { createHash } from 'node:crypto'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { GatewayError } from '../../src/base/errors.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { bufferSize, smallChunk } from '../../src/http1/buffers.ts'
import {
  ClientConnection,
  type ClientConnectionOptions,
  type Refusal,
  type RequestReceiver,
} from '../../src/http1/client-connection.ts'
import type { BodySource } from '../../src/http1/messages.ts'
import { Transport } from '../../src/http1/transport.ts'
import { FakeClock } from './fake-clock.ts'

/** A connection of which the other end is the test. */
class Wire extends Duplex {
  written = ''

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('latin1')
    done()
  }
}

/** Of all chances, 0 to 1: how often somebody is not at once ready for what comes. */
export interface Manner {
  /** To take more of a body, having said that it is to wait. */
  readonly slow: number
  /** To answer. */
  readonly late: number
  random(): number
}

const prompt: Manner = { slow: 0, late: 0, random: () => 0 }

/** A long body by its length and hash. */
export const brief = (body: string): string =>
  body.length < 1_000
    ? body
    : `${body.length} octets, ${createHash('sha256').update(body, 'latin1').digest('hex')}`

/** Takes the whole body of each request, tells what it got, and answers. */
class Recorder implements RequestReceiver {
  readonly seen: string[] = []
  readonly #manner: Manner
  /** What is still to be done, in this order. */
  readonly #pending: (() => void)[] = []

  constructor(manner: Manner) {
    this.#manner = manner
  }

  /** Does one thing that waits; false: nothing did. */
  proceed(): boolean {
    const next = this.#pending.shift()
    next?.()
    return next !== undefined
  }

  #soon(chance: number, run: () => void): void {
    if (this.#pending.length > 0 || this.#manner.random() < chance) this.#pending.push(run)
    else run()
  }

  request(connection: ClientConnection): void {
    const { head, body } = connection
    const start = `${head.method} ${head.target} ${head.list().join('|')}`
    if (body === null) this.#soon(this.#manner.late, () => this.#answer(connection, start))
    else this.#soon(this.#manner.late, () => this.#take(connection, body, start))
  }

  #take(connection: ClientConnection, body: BodySource, start: string): void {
    let text = ''
    let isFailed = false
    let held = 0
    body.start({
      data: (chunk) => {
        if (this.#pending.length === 0 && this.#manner.random() >= this.#manner.slow) {
          text += chunk.toString('latin1')
          return true
        }
        held++
        // The octets of a large chunk are looked at only later: until then they may not change.
        const octets = chunk.length > smallChunk ? chunk : Buffer.from(chunk)
        this.#pending.push(() => {
          text += octets.toString('latin1')
          if (--held === 0) body.resume()
        })
        return false
      },
      end: () =>
        this.#soon(this.#manner.late, () => {
          if (!isFailed) this.#answer(connection, `${start} ${brief(text)}`)
        }),
      failed: (error) => {
        isFailed = true
        this.seen.push(`failed ${error.code}`)
        connection.answer(error.status, '', '', 0)
        connection.end('')
      },
    })
  }

  #answer(connection: ClientConnection, what: string): void {
    this.seen.push(what)
    connection.answer(200, 'OK', '', 2)
    connection.write(Buffer.from('ok'))
    connection.end('')
  }

  drained(): void {}
  gone(error: GatewayError): void {
    this.seen.push(`gone ${error.code}`)
  }
  refused(error: GatewayError): Refusal {
    this.seen.push(`refused ${error.status}`)
    return { lines: '', body: Buffer.from(error.message) }
  }
  idle(): void {}
  closed(): void {}
}

const unlimited: ClientConnectionOptions = {
  idleTimeout: 0,
  headTimeout: 0,
  readTimeout: 0,
  writeTimeout: 0,
  bodyStallTimeout: 0,
  maxBodySize: 0,
  maxHeadSize: 65_536,
  maxFields: 1_000,
  maxTargetSize: 65_536,
}

export interface Outcome {
  /** What the connection's receiver heard, in its order. */
  readonly seen: readonly string[]
  /** All that was written to the client. */
  readonly written: string
}

/** What a client's connection makes of octets that come in these pieces, each no larger than a read can be. */
export async function feed(pieces: readonly Buffer[], manner: Manner = prompt): Promise<Outcome> {
  const shared = Buffer.alloc(bufferSize)
  const recorder = new Recorder(manner)
  const wire = new Wire()
  const connection = new ClientConnection(unlimited, recorder, new TimerWheel(new FakeClock()), shared, false)
  const transport = new Transport(wire, connection)
  connection.open(transport, '192.0.2.1', 1)
  let buffer: Buffer = shared
  for (const piece of pieces) {
    while (wire.isPaused() || manner.random() < manner.slow) if (!recorder.proceed()) break
    if (wire.destroyed) break
    // As a socket does: into the buffer that is asked for, and over what it held before.
    buffer.fill(0x23)
    piece.copy(buffer)
    transport.received(piece.length, buffer)
    buffer = connection.nextBuffer() ?? buffer
  }
  while (recorder.proceed());
  await turn()
  const seen = [...recorder.seen]
  wire.destroy()
  return { seen, written: wire.written }
}
