import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AddressSet, parseAddressBlock } from '../../src/base/address-set.ts'
import type { GatewayError } from '../../src/base/errors.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { bufferSize } from '../../src/http1/buffers.ts'
import { ClientConnection, type Refusal, type RequestReceiver } from '../../src/http1/client-connection.ts'
import { Transport } from '../../src/http1/transport.ts'
import { ProxyPreface } from '../../src/listen/proxy-preface.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { tcpHeader, textHeader } from '../support/proxy-header.ts'

class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }
}

/** Keeps of each request who is said to send it, its target and its body, and answers. */
class Recorder implements RequestReceiver {
  readonly seen: string[] = []

  request(connection: ClientConnection): void {
    const { head, body, remoteAddress, remotePort } = connection
    const start = `${remoteAddress} ${remotePort} ${head.method} ${head.target}`
    let text = ''
    const answer = (): void => {
      this.seen.push(text === '' ? start : `${start} ${text}`)
      connection.answer(200, 'OK', '', 2)
      connection.write(Buffer.from('ok'))
      connection.end('')
    }
    if (body === null) answer()
    else
      body.start({
        data(chunk) {
          text += chunk.toString('latin1')
          return true
        },
        end: answer,
        failed() {},
      })
  }

  drained(): void {}
  gone(): void {}
  refused(error: GatewayError): Refusal {
    this.seen.push(`${error.status} ${error.message}`)
    return { lines: '', body: Buffer.alloc(0) }
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

/** A connection from 10.0.0.1 of which the other end is the test. */
function connect(trusted: string[] | null = null) {
  const shared = Buffer.alloc(bufferSize)
  const recorder = new Recorder()
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const wire = new Wire()
  const connection = new ClientConnection(options, recorder, wheel, shared, false)
  const set = trusted === null ? null : new AddressSet(trusted.map((text) => parseAddressBlock(text)!))
  const preface = new ProxyPreface(connection, { timeout: 250 }, set, wheel, shared)
  const transport = new Transport(wire, preface)
  connection.open(transport, '10.0.0.1', 1)
  let buffer: Buffer = shared
  return {
    clock,
    seen: recorder.seen,
    end: () => wire.push(null),
    send(text: Buffer | string): void {
      const octets = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
      for (let at = 0; at < octets.length; at += buffer.length) {
        const piece = octets.subarray(at, at + buffer.length)
        // As a socket does: into the buffer that is asked for, and over what it held before.
        buffer.fill(0x23)
        piece.copy(buffer)
        transport.received(piece.length, buffer)
        buffer = connection.nextBuffer() ?? buffer
      }
    },
  }
}

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'
const post = 'POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'
const both = Buffer.from(get + post + get)
const headers: [version: string, header: Buffer][] = [
  ['1', Buffer.from(textHeader('192.0.2.7', 4_711))],
  ['2', tcpHeader('192.0.2.7', 4_711, Buffer.from('\x03\x00\x04crc-', 'latin1'))],
]
const told = ['192.0.2.7 4711 GET /x', '192.0.2.7 4711 POST /y hello', '192.0.2.7 4711 GET /x']

describe.each(headers)('a PROXY header of version %s', (_version, header) => {
  const whole = Buffer.concat([header, both])

  test('says who all requests of the connection come from', () => {
    const connection = connect()
    connection.send(whole)
    expect(connection.seen).toEqual(told)
  })

  test('means the same wherever it is cut in two', () => {
    for (let at = 1; at < whole.length; at++) {
      const connection = connect()
      connection.send(whole.subarray(0, at))
      connection.send(whole.subarray(at))
      expect(connection.seen, `cut at ${at}`).toEqual(told)
    }
  })

  test('means the same octet by octet', () => {
    const connection = connect()
    for (const octet of whole) connection.send(Buffer.from([octet]))
    expect(connection.seen).toEqual(told)
  })

  test('is taken from the octets of a large body and nothing else', () => {
    const body = 'b'.repeat(3 * bufferSize)
    const connection = connect()
    const upload = `POST /z HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    connection.send(Buffer.concat([header, Buffer.from(upload)]))
    expect(connection.seen).toEqual([`192.0.2.7 4711 POST /z ${body}`])
  })

  test('counts only from proxy.trusted where that is set', () => {
    const [trusted, other] = [connect(['10.0.0.0/8']), connect(['10.0.0.2'])]
    trusted.send(Buffer.concat([header, Buffer.from(get)]))
    other.send(Buffer.concat([header, Buffer.from(get)]))
    expect([trusted.seen, other.seen]).toEqual([['192.0.2.7 4711 GET /x'], ['10.0.0.1 1 GET /x']])
  })

  test('is looked for once: a second one is no request', () => {
    const connection = connect()
    connection.send(Buffer.concat([header, header, Buffer.from(get)]))
    expect(connection.seen).toEqual([expect.stringMatching(/^400 /)])
  })
})

describe('without a PROXY header', () => {
  test.each(['GET', 'POST', 'PUT', 'PROPFIND', 'P'])(
    'a %s is a request of its peer, however it is cut',
    (method) => {
      const request = `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`
      for (let at = 0; at < request.length; at++) {
        const connection = connect()
        connection.send(request.slice(0, at))
        connection.send(request.slice(at))
        expect(connection.seen, `cut at ${at}`).toEqual([`10.0.0.1 1 ${method} /x`])
      }
    },
  )

  test('an empty line before a request is passed on, though version 2 begins so', () => {
    const connection = connect()
    connection.send('\r\n')
    connection.send(get)
    expect(connection.seen).toEqual(['10.0.0.1 1 GET /x'])
  })

  test('any octets mean what they mean without pxyproto', async () => {
    const octets = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .filter((some) => some[0] !== 0x50 && some[0] !== 0x0d)
    await fc.assert(
      fc.asyncProperty(octets, fc.nat(40), async (some, at) => {
        const whole = Buffer.concat([some, Buffer.from(get)])
        const [cut, direct] = [connect(), connect()]
        // Its time is over: what comes now goes on as it is.
        await direct.clock.advance(1_000)
        direct.send(whole)
        cut.send(whole.subarray(0, at))
        cut.send(whole.subarray(at))
        expect(cut.seen).toEqual(direct.seen)
      }),
    )
  })
})

describe('a PROXY header', () => {
  test.each([
    'PROXY TCP4 nobody nobody 1 2\r\n',
    Buffer.concat([tcpHeader('192.0.2.7').subarray(0, 12), Buffer.from([0x31, 0x11, 0, 0])]),
  ])('that is malformed ends the connection with a 400 that says so', (header) => {
    const connection = connect()
    connection.send(header)
    connection.send(get)
    expect(connection.seen).toEqual([
      expect.stringMatching(/^400 a PROXY header (with an address|of a version)/),
    ])
  })

  test('that is not there after pxytimeout is not waited for, nor looked for any more', async () => {
    const connection = connect()
    await connection.clock.advance(400)
    connection.send(textHeader('192.0.2.7'))
    expect(connection.seen).toEqual([expect.stringMatching(/^400 /)])
  })

  test('of which half is there after pxytimeout is what it looks like to HTTP', async () => {
    const slow = connect()
    slow.send('P')
    await slow.clock.advance(400)
    slow.send('OST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
    expect(slow.seen).toEqual(['10.0.0.1 1 POST /x'])
    const half = connect()
    half.send('PROXY TCP4 192')
    await half.clock.advance(400)
    half.send('.0.2.7 192.0.2.8 1 2\r\n')
    expect(half.seen).toEqual([expect.stringMatching(/^400 /)])
  })

  test('keeps no timer of a connection that is gone', async () => {
    const connection = connect()
    connection.end()
    await new Promise((resolve) => setImmediate(resolve))
    await connection.clock.advance(1_000)
    expect(connection.clock.pending).toBe(0)
  })
})
