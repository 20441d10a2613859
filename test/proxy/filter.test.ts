import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/base/errors.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import type { AnswerChange, FilterOut } from '../../src/proxy/plan.ts'
import { type Handled, handling } from '../support/handled.ts'

/** A filter that tells what it was told, and does what it is told. */
function filtered(route = '/', more: Partial<AnswerChange> = {}) {
  const told: string[] = []
  let out: FilterOut | null = null
  let isFree = true
  const { handle, clock } = handling(route, {
    change: () => ({
      fields: { except: new Set(['x-a']), lines: 'X-B: 2\r\n' },
      keepsLength: false,
      start: (given) => {
        out = given
        return {
          write(chunk) {
            told.push(`write ${chunk}`)
            return isFree
          },
          end: (trailers) => void told.push(`end ${JSON.stringify(trailers)}`),
          drained: () => void told.push('drained'),
          destroy: () => void told.push('destroy'),
        }
      },
      ...more,
    }),
  })
  const handled: Handled = handle()
  return {
    handled,
    clock,
    told,
    out: () => out!,
    hold: () => {
      isFree = false
    },
    begin: (): void => handled.sink!.head(200, '', sectionOf(['X-A', '1', 'X-C', '3']), 10),
  }
}

const gone = new GatewayError('GW_CLIENT_GONE', 'gone')
const reset = new GatewayError('GW_RESET', 'reset')

describe('a filter of an answer’s body', () => {
  test('gets the body, and the client what it makes of it', () => {
    const { handled, told, out, begin } = filtered()
    begin()
    const { answer, sink, exchange } = handled
    expect([answer.status, answer.length, answer.lines]).toEqual([
      200,
      null,
      'X-C: 3\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-B: 2\r\n',
    ])
    expect(sink!.data(Buffer.from('one'))).toBe(true)
    expect(out().write(Buffer.from('ONE!'))).toBe(true)
    sink!.end(sectionOf(['X-Sum', '1']))
    expect(told).toEqual(['write one', 'end "X-Sum: 1\\r\\n"'])
    expect([answer.ended, exchange.finished]).toEqual([false, false])
    out().end('X-Sum: 2\r\n')
    expect([Buffer.concat(answer.body).toString(), answer.trailers, answer.ended]).toEqual([
      'ONE!',
      'X-Sum: 2\r\n',
      true,
    ])
    expect([exchange.finished, exchange.bodySize, told.at(-1)]).toEqual([true, 4, 'end "X-Sum: 1\\r\\n"'])
  })

  test('lets the instance go as soon as its answer has ended, though the client waits', () => {
    const { handled, begin } = filtered()
    begin()
    const { upstream } = handled.exchange
    expect(upstream!.inFlight).toBe(1)
    handled.sink!.end(null)
    expect(upstream!.inFlight).toBe(0)
  })

  test('holds the instance back, and is held back by the client', () => {
    const { handled, told, out, begin, hold } = filtered()
    begin()
    hold()
    expect(handled.sink!.data(Buffer.from('x'))).toBe(false)
    out().resume()
    expect(handled.call.resumed).toBe(1)
    handled.takes = false
    expect(out().write(Buffer.from('y'))).toBe(false)
    handled.handler.drained(handled.exchange)
    expect([told, handled.call.resumed]).toEqual([['write x', 'drained'], 1])
  })

  test('is destroyed once when the client goes away, and the instance is told', () => {
    const { handled, told, out, begin } = filtered()
    begin()
    handled.handler.clientGone(handled.exchange, gone)
    expect([told, handled.call.aborted]).toEqual([['destroy'], true])
    // What was under way finds nobody.
    expect(out().write(Buffer.from('late'))).toBe(true)
    out().end('')
    out().fail(reset)
    handled.sink!.failed(gone)
    expect(handled.sink!.data(Buffer.from('late'))).toBe(true)
    handled.sink!.end(null)
    expect([told, handled.answer.body, handled.answer.ended]).toEqual([['destroy'], [], false])
  })

  test('is destroyed when the client goes away while it finishes alone', () => {
    const { handled, told, begin } = filtered()
    begin()
    handled.sink!.end(null)
    handled.handler.clientGone(handled.exchange, gone)
    expect(told).toEqual(['end ""', 'destroy'])
    expect([handled.exchange.finished, handled.exchange.failure]).toEqual([true, gone])
  })

  test('is destroyed when the instance breaks off, and the client’s answer is cut', () => {
    const { handled, told, begin } = filtered()
    begin()
    handled.sink!.data(Buffer.from('one'))
    handled.sink!.failed(reset)
    expect(told).toEqual(['write one', 'destroy'])
    expect([handled.answer.aborted, handled.answer.ended]).toEqual([true, false])
  })

  test('that fails cuts the client’s answer and stops the instance', () => {
    const { handled, out, begin } = filtered()
    begin()
    out().fail(new GatewayError('GW_INTERNAL', 'broken'))
    expect([handled.answer.aborted, handled.answer.ended, handled.call.aborted]).toEqual([true, false, true])
    expect(handled.exchange.failure!.code).toBe('GW_INTERNAL')
  })

  test('that cannot begin is an error that the client can read', () => {
    const { handled, begin } = filtered('/', {
      start: () => {
        throw new Error('no memory')
      },
    })
    begin()
    expect([handled.answer.status, handled.answer.ended, handled.call.aborted]).toEqual([500, true, true])
  })

  test('ends at the time limit of the route', async () => {
    const { handled, told, clock, begin } = filtered('/ timeout=1s')
    begin()
    await clock.advance(1_200)
    expect([told, handled.answer.aborted, handled.call.aborted]).toEqual([['destroy'], true, true])
  })

  test('is not there where the change is of the head alone', () => {
    const { handled, told, begin } = filtered('/', { start: null, keepsLength: true })
    begin()
    handled.sink!.data(Buffer.from('0123456789'))
    handled.sink!.end(null)
    expect([told, handled.answer.length, handled.answer.ended]).toEqual([[], 10, true])
    expect(handled.answer.lines).toContain('X-B: 2\r\n')
  })
})
