import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import { ExchangeTracer } from '../../src/observe/tracing/exchange-tracer.ts'
import { otlpJson } from '../../src/observe/tracing/otlp-json.ts'
import type { Span } from '../../src/observe/tracing/span.ts'
import { type SendSpans, SpanQueue } from '../../src/observe/tracing/span-queue.ts'
import { type Propagation, traceOf } from '../../src/observe/tracing/trace-context.ts'
import type { Target } from '../../src/route/table.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { exchangeOf } from '../support/exchange.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'
import { parseOtlp } from '../support/otlp.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'
const w3c = `00-${trace}-${parent}-01`

describe('what a request says of its trace', () => {
  test.each<[sentence: string, fields: string[], expected: object]>([
    [
      'traceparent that is recorded',
      ['traceparent', w3c],
      { traceId: trace, parentId: parent, isSampled: true },
    ],
    ['traceparent that is not', ['traceparent', `00-${trace}-${parent}-00`], { isSampled: false }],
    ['a random trace id', ['traceparent', `00-${trace}-${parent}-03`], { isSampled: true, flags: 2 }],
    ['a later version with more', ['traceparent', `cc-${trace}-${parent}-01-more`], { traceId: trace }],
    ['b3 in one field', ['b3', `${trace}-${parent}-1-05e3ac9a4f6e3b90`], { traceId: trace, isSampled: true }],
    ['b3 without a decision', ['b3', `${trace}-${parent}`], { form: 'b3', isSampled: null }],
    ['b3 in debug', ['b3', `${trace}-${parent}-d`], { isSampled: true }],
    ['a short b3 id', ['b3', `${parent}-${parent}-0`], { traceId: parent.padStart(32, '0'), isShort: true }],
    [
      'b3 in several fields',
      ['X-B3-TraceId', trace, 'X-B3-SpanId', parent, 'X-B3-Sampled', '0'],
      { form: 'b3multi', isSampled: false },
    ],
    ['W3C before B3', ['b3', `${parent}-${parent}-0`, 'traceparent', w3c], { form: 'w3c', isSampled: true }],
  ])('%s', (_sentence, fields, expected) => {
    expect(traceOf(sectionOf(fields)).context).toMatchObject(expected)
  })

  test.each<[sentence: string, fields: string[]]>([
    ['nothing', []],
    ['a trace of zeros', ['traceparent', `00-${'0'.repeat(32)}-${parent}-01`]],
    ['a parent of zeros', ['traceparent', `00-${trace}-${'0'.repeat(16)}-01`]],
    ['version ff', ['traceparent', `ff-${trace}-${parent}-01`]],
    ['version 00 with more behind it', ['traceparent', `${w3c}-more`]],
    ['upper case', ['traceparent', w3c.toUpperCase()]],
    ['two of them', ['traceparent', w3c, 'traceparent', w3c]],
    ['cut short', ['traceparent', w3c.slice(0, -1)]],
    ['b3 that is something else', ['b3', 'hello']],
    ['half of b3', ['X-B3-TraceId', trace]],
  ])('%s is no trace', (_sentence, fields) => {
    expect(traceOf(sectionOf(fields)).context).toBeNull()
  })

  test('b3 may decide alone', () => {
    expect(traceOf(sectionOf(['b3', '0']))).toEqual({ context: null, isSampled: false })
    expect(traceOf(sectionOf(['X-B3-Sampled', '1']))).toEqual({ context: null, isSampled: true })
  })

  test('whatever it is, it does not throw, and what is found has the form that it must have', () => {
    const value = fc.string({ unit: fc.constantFrom(...'0123456789abcdefdg-'), maxLength: 60 })
    fc.assert(
      fc.property(fc.constantFrom('traceparent', 'b3', 'x-b3-traceid'), value, (name, given) => {
        const { context } = traceOf(sectionOf([name, given]))
        if (context !== null) expect(context.traceId + context.parentId).toMatch(/^[\da-f]{48}$/)
      }),
    )
  })
})

const target = {
  service: 'web',
  instance: 'n/web',
  url: 'http://10.0.0.1:80/',
  authority: '10.0.0.1:80',
} as Target

function tracing(ratio: number, propagation: readonly Propagation[] = ['w3c'], random = 0.5) {
  const spans: Span[] = []
  const world = { ...fakeWorld(new FakeClock()), random: () => random }
  const tracer = new ExchangeTracer({ ratio, propagation }, world, { add: (span) => spans.push(span) })
  const begin = (...fields: string[]) => {
    const exchange = exchangeOf({ fields: sectionOf(fields) })
    tracer.begin(exchange)
    tracer.attempt(exchange, target)
    return exchange
  }
  return { tracer, spans, begin }
}

describe('what an instance is told', () => {
  test('is the trace of the client, with a span of ours', () => {
    const { lines, traceId, except } = tracing(0).begin('traceparent', w3c).trace!
    expect(traceId).toBe(trace)
    expect(lines).toMatch(new RegExp(`^traceparent: 00-${trace}-(?!${parent})[\\da-f]{16}-01\r\n$`))
    expect(except!.has('traceparent')).toBe(true)
    expect(except!.has('tracestate')).toBe(false)
  })

  test('is a new trace where there is none, and no state of another', () => {
    const { lines, except } = tracing(1).begin('traceparent', 'nonsense', 'tracestate', 'a=b').trace!
    expect(lines).toMatch(/^traceparent: 00-[\da-f]{32}-[\da-f]{16}-01\r\n$/)
    expect(except!.has('tracestate')).toBe(true)
  })

  test('is what the client uses beside what is asked for', () => {
    const { lines } = tracing(0).begin('b3', `${parent}-${parent}-1`).trace!
    expect(lines).toMatch(
      /^traceparent: 00-0{16}[\da-f]{16}-[\da-f]{16}-01\r\nb3: [\da-f]{16}-[\da-f]{16}-1\r\n$/,
    )
    const multi = tracing(0, ['b3multi']).begin('traceparent', w3c).trace!
    expect(multi.lines).toContain(`X-B3-TraceId: ${trace}\r\n`)
    expect(multi.lines).toContain('traceparent: ')
  })

  test('has new ids for each attempt that is recorded', () => {
    let next = 0
    const world = { ...fakeWorld(new FakeClock()), random: () => (next++ % 97) / 97 }
    const tracer = new ExchangeTracer({ ratio: 1, propagation: ['w3c'] }, world, { add() {} })
    const exchange = exchangeOf({})
    tracer.begin(exchange)
    tracer.attempt(exchange, target)
    const first = exchange.trace!.lines
    tracer.attempt(exchange, target)
    expect(exchange.trace!.lines).not.toBe(first)
    expect(exchange.trace!.lines.slice(0, 49)).toBe(first.slice(0, 49))
  })
})

describe('what is recorded', () => {
  test.each<[sentence: string, ratio: number, fields: string[], expected: boolean]>([
    ['what the client records', 0, ['traceparent', w3c], true],
    ['not what it does not', 1, ['traceparent', `00-${trace}-${parent}-00`], false],
    ['everything that begins here', 1, [], true],
    ['nothing that begins here', 0, [], false],
  ])('%s', (_sentence, ratio, fields, expected) => {
    const { tracer, spans, begin } = tracing(ratio)
    const exchange = begin(...fields)
    exchange.status = 200
    tracer.finished(exchange, 5)
    expect(spans.length > 0).toBe(expected)
  })

  test('is the part that was asked for', () => {
    const spans: Span[] = []
    const world = { ...fakeWorld(new FakeClock()), random: Math.random }
    const tracer = new ExchangeTracer({ ratio: 0.25, propagation: ['w3c'] }, world, {
      add: (span) => spans.push(span),
    })
    for (let i = 0; i < 4_000; i++) {
      const exchange = exchangeOf({})
      tracer.begin(exchange)
      tracer.finished(exchange, 1)
    }
    expect(spans.length).toBeGreaterThan(850)
    expect(spans.length).toBeLessThan(1_150)
  })
})

const span = (number: number): Span => ({
  traceId: trace,
  spanId: String(number).padStart(16, '1'),
  parentId: '',
  name: 'GET',
  kind: 'server',
  startedAt: 1_772_600_767_089.25,
  endedAt: 1_772_600_767_090,
  attributes: { a: 'b', n: 3 },
  error: null,
})

test('OTLP has nanoseconds as text, ids as digits, and nothing that it does not know', () => {
  const [first] = parseOtlp(otlpJson([span(1)], { service: 'gw', hostname: 'h', worker: 2 }))
  expect(first!.resource).toEqual({
    'service.name': 'gw',
    'service.instance.id': 'h-2',
    'host.name': 'h',
  })
  expect(first!.spans[0]).toMatchObject({
    startTimeUnixNano: '1772600767089250000',
    endTimeUnixNano: '1772600767090000000',
    attributes: { a: 'b', n: 3 },
  })
})

describe('spans on their way', () => {
  function queued(send: SendSpans, limit = 1_000) {
    const clock = new FakeClock()
    const log = new CapturedLog()
    return { clock, log, queue: new SpanQueue(send, limit, { world: fakeWorld(clock, 1), log }) }
  }
  const taken = { rejected: 0, error: null, mayRetry: false }

  test('are gathered for five seconds, or sent when there are many', async () => {
    const sizes: number[] = []
    const { queue, clock } = queued(async (spans) => {
      sizes.push(spans.length)
      return taken
    })
    queue.add(span(1))
    await clock.advance(4_999)
    expect(sizes).toEqual([])
    await clock.advance(1)
    for (let i = 0; i < 128; i++) queue.add(span(i))
    await settle()
    expect(sizes).toEqual([1, 128])
    expect(queue.exported).toBe(129)
  })

  test('are dropped and counted where there is no room', async () => {
    const { queue } = queued(() => new Promise(() => {}), 200)
    for (let i = 0; i < 1_000; i++) queue.add(span(i))
    expect(queue.waiting).toBe(200)
    expect(queue.dropped).toBe(1_000 - 128 - 200)
  })

  test('are sent again while the collector is busy, and given up in the end', async () => {
    let calls = 0
    const { queue, clock, log } = queued(async () => {
      calls++
      return { rejected: 1, error: 'answered 503', mayRetry: true }
    })
    queue.add(span(1))
    await clock.advance(120_000)
    expect([calls, queue.dropped, queue.exported]).toEqual([5, 1, 0])
    expect(log.of('export-failed')).toHaveLength(1)
  })

  test('are lost at once where the collector does not want them, and it is told when it does again', async () => {
    let isWell = false
    const { queue, clock, log } = queued(async () =>
      isWell ? { ...taken, rejected: 1 } : { rejected: 1, error: 'answered 400', mayRetry: false },
    )
    queue.add(span(1))
    await clock.advance(5_000)
    isWell = true
    queue.add(span(2))
    queue.add(span(3))
    await clock.advance(5_000)
    expect([queue.dropped, queue.exported]).toEqual([2, 1])
    expect(log.of('export-back')).toHaveLength(1)
  })

  test('are sent at the end, which does not wait for a collector that hangs', async () => {
    const sizes: number[] = []
    const { queue } = queued(async (spans) => {
      sizes.push(spans.length)
      return taken
    })
    queue.add(span(1))
    await queue.close(1_000)
    expect(sizes).toEqual([1])
    const { queue: hanging, clock } = queued(() => new Promise(() => {}))
    hanging.add(span(1))
    const closed = hanging.close(1_000)
    await clock.advance(1_000)
    await closed
  })
})
