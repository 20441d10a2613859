import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../src/base/errors.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { ClientConnection, type RequestReceiver } from '../../src/http1/client-connection.ts'
import { Transport } from '../../src/http1/transport.ts'
import { requests } from '../fuzz/corpus.ts'
import { FakeClock } from '../support/fake-clock.ts'

// Nothing depends on where segments begin and end (RFC 9112 section 2.2).

class Wire extends Duplex {
  written = ''

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('latin1')
    done()
  }
}

/** Takes the whole body of each request, tells what it got, and answers. */
class Recorder implements RequestReceiver {
  readonly seen: string[] = []

  request(connection: ClientConnection): void {
    const { head, body } = connection
    const start = `${head.method} ${head.target} ${head.list().join('|')}`
    if (body === null) this.#answer(connection, start)
    else {
      let text = ''
      body.start({
        data(chunk) {
          text += chunk.toString('latin1')
          return true
        },
        end: () => this.#answer(connection, `${start} ${text}`),
        failed: (error) => {
          this.seen.push(`failed ${error.code}`)
          connection.answer(error.status, '', '', 0)
          connection.end('')
        },
      })
    }
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
  refused(status: number): void {
    this.seen.push(`refused ${status}`)
  }
  idle(): void {}
  closed(): void {}
}

const options = {
  idleTimeout: 0,
  headTimeout: 0,
  readTimeout: 0,
  writeTimeout: 0,
  bodyStallTimeout: 0,
  maxBodySize: 0,
  maxHeadSize: 65_536,
  maxFields: 100,
  maxTargetSize: 8_192,
}

/** What a connection makes of these pieces: what its receiver heard, and the answers without their times. */
async function outcome(pieces: readonly Buffer[]): Promise<{ seen: string[]; written: string }> {
  const shared = Buffer.alloc(65_536)
  const recorder = new Recorder()
  const wire = new Wire()
  const connection = new ClientConnection(options, recorder, new TimerWheel(new FakeClock()), shared, false)
  const transport = new Transport(wire, connection)
  connection.open(transport, '192.0.2.1', 1)
  let buffer: Buffer = shared
  for (const piece of pieces) {
    // As a socket does: into the buffer that is asked for, and over what it held before.
    buffer.fill(0x23)
    piece.copy(buffer)
    transport.received(piece.length, buffer)
    buffer = connection.nextBuffer() ?? buffer
  }
  await new Promise((resolve) => setImmediate(resolve))
  const seen = [...recorder.seen]
  wire.destroy()
  // Whether a 100 was still of use, and in which words something is refused, may depend on what is there already.
  const written = wire.written
    .replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '')
    .replace(/(HTTP\/1\.1 [45]\d\d [^\r]*)[\s\S]*$/, '$1')
  return { seen, written }
}

const bad = [
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n',
  'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
]

describe('a client’s octets mean the same', () => {
  test.each([...requests, ...bad].map((text) => [text]))('wherever %j is cut in two', async (text) => {
    const octets = Buffer.from(text, 'latin1')
    const whole = await outcome([octets])
    for (let at = 1; at < octets.length; at++) {
      expect(await outcome([octets.subarray(0, at), octets.subarray(at)]), `cut at ${at}`).toEqual(whole)
    }
  })

  test.each([...requests, ...bad].map((text) => [text]))('octet by octet: %j', async (text) => {
    const octets = Buffer.from(text, 'latin1')
    const pieces = Array.from(octets, (octet) => Buffer.from([octet]))
    expect(await outcome(pieces)).toEqual(await outcome([octets]))
  })
})
