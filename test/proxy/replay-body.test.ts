import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/base/errors.ts'
import type { BodySink, BodySource } from '../../src/http1/messages.ts'
import { ReplayBody } from '../../src/proxy/replay-body.ts'

/** A body that comes when the test says so, from memory that is written over. */
class Source implements BodySource {
  readonly length = null
  wasStarted = false
  resumed = 0
  most = 0
  sink!: BodySink
  readonly #memory = Buffer.alloc(64)

  limit(octets: number): void {
    this.most = octets
  }

  start(sink: BodySink): void {
    this.wasStarted = true
    this.sink = sink
  }

  resume(): void {
    this.resumed++
  }

  gives(text: string): boolean {
    const size = this.#memory.write(text, 'latin1')
    const isFree = this.sink.data(this.#memory.subarray(0, size))
    if (isFree) this.#memory.fill('#')
    return isFree
  }
}

class Sink implements BodySink {
  got = ''
  takes = true
  failure: GatewayError | null = null

  data(chunk: Buffer): boolean {
    this.got += chunk.toString('latin1')
    return this.takes
  }

  end(): void {
    this.got += '.'
  }

  failed(error: GatewayError): void {
    this.failure = error
  }
}

function replaying(most: number) {
  const source = new Source()
  return { source, body: new ReplayBody(source, most) }
}

describe('a small body', () => {
  test('is sent whole a second time, though its memory was written over', () => {
    const { source, body } = replaying(10)
    const [first, second] = [new Sink(), new Sink()]
    body.start(first)
    source.gives('abc')
    source.gives('def')
    source.sink.end()
    body.detach()
    expect(body.wasStarted).toBe(false)
    body.start(second)
    expect([first.got, second.got]).toEqual(['abcdef.', 'abcdef.'])
  })

  test('of which the rest comes later goes on where the first attempt left it', () => {
    const { source, body } = replaying(10)
    const [first, second] = [new Sink(), new Sink()]
    body.start(first)
    source.gives('abc')
    body.detach()
    body.start(second)
    expect(source.resumed).toBe(1)
    source.gives('def')
    source.sink.end()
    expect([first.got, second.got]).toEqual(['abc', 'abcdef.'])
  })

  // Taken as sent while no attempt was there to send it, this chunk would have been missing from the second one.
  test('loses nothing that comes between two attempts, however much it is', () => {
    const { source, body } = replaying(4)
    const second = new Sink()
    body.start(new Sink())
    source.gives('abc')
    body.detach()
    expect(source.gives('defgh')).toBe(false)
    expect(body.wasStarted).toBe(false)
    body.start(second)
    expect(second.got).toBe('abcdefgh')
    expect(source.resumed).toBe(1)
  })

  test('that failed is failed for the second attempt too', () => {
    const { source, body } = replaying(10)
    const second = new Sink()
    body.start(new Sink())
    source.gives('abc')
    source.sink.failed(new GatewayError('GW_CLIENT_GONE', 'cut'))
    body.detach()
    body.start(second)
    expect(second.failure?.code).toBe('GW_CLIENT_GONE')
  })

  test('waits for a sink that takes no more', () => {
    const { source, body } = replaying(10)
    const slow = new Sink()
    slow.takes = false
    body.start(slow)
    expect(source.gives('abc')).toBe(false)
    body.resume()
    expect(source.resumed).toBe(1)
  })
})

describe('a body that turns out to be large', () => {
  test('cannot be sent again, and is kept no longer', () => {
    const { source, body } = replaying(4)
    const sink = new Sink()
    body.start(sink)
    source.gives('abc')
    source.gives('def')
    expect(body.wasStarted).toBe(true)
    source.sink.end()
    expect(sink.got).toBe('abcdef.')
  })
})
