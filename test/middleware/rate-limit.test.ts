import { describe, expect, test } from 'vitest'
import { parseAddressBlock } from '../../src/base/address-set.ts'
import { parseRate } from '../../src/base/rate.ts'
import { parseOptions } from '../../src/route/options.ts'
import { answerWith, type Handled, handling, valuesOf } from '../support/handled.ts'

const statusOf = ({ answer, sent }: Handled): number => (sent === null ? answer.status : 200)
const field = ({ answer }: Handled, name: string): string[] => valuesOf(answer.fields, name)

describe('ratelimit=', () => {
  test('lets so many requests of a client pass, and then answers 429 that says when to come again', async () => {
    const { handle, clock } = handling('/ ratelimit=3/m')
    expect([1, 2, 3].map(() => statusOf(handle()))).toEqual([200, 200, 200])
    const refused = handle()
    expect(statusOf(refused)).toBe(429)
    expect(field(refused, 'Retry-After')).toEqual(['20'])
    expect(field(refused, 'RateLimit-Policy')).toEqual(['"client";q=3;w=60'])
    expect(field(refused, 'RateLimit')).toEqual(['"client";r=0;t=60'])
    expect(field(refused, 'X-Gatehouse-Error')).toEqual(['GW_RATE_LIMITED'])
    await clock.advance(20_000)
    expect([statusOf(handle()), statusOf(handle())]).toEqual([200, 429])
  })

  test('tells with every answer what is left', () => {
    const { handle } = handling('/ ratelimit=10/s,burst=20')
    const handled = answerWith(handle(), ['X-A', '1'])
    expect(field(handled, 'RateLimit-Policy')).toEqual(['"client";q=10;w=1'])
    expect(field(handled, 'RateLimit')).toEqual(['"client";r=19;t=1'])
  })

  test('counts each client for itself, an IPv6 network as one', () => {
    const { handle } = handling('/ ratelimit=1/m')
    const from = (remoteAddress: string): number => statusOf(handle({ remoteAddress }))
    expect(['192.0.2.1', '192.0.2.2', '192.0.2.1'].map(from)).toEqual([200, 200, 429])
    expect(['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'].map(from)).toEqual([200, 429, 200])
  })

  test('counts whom the proxies that are trusted name', () => {
    const { handle } = handling('/ ratelimit=1/m', {
      handler: { trusted: [parseAddressBlock('192.0.2.0/24')!] },
    })
    const of = (client: string): number => statusOf(handle({ fields: ['X-Forwarded-For', client] }))
    expect(['198.51.100.1', '198.51.100.2', '198.51.100.1'].map(of)).toEqual([200, 200, 429])
  })

  test('with per=all counts all clients together, and tells nobody how much is left', () => {
    const { handle } = handling('/ ratelimit=2/m,per=all')
    const handled = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((remoteAddress) => handle({ remoteAddress }))
    expect(handled.map(statusOf)).toEqual([200, 200, 429])
    expect(field(handled[2]!, 'RateLimit')).toEqual([])
    expect(field(handled[2]!, 'Retry-After')).toEqual(['30'])
  })

  test('may be given again: every limit has to let a request pass', async () => {
    const { handle, clock } = handling('/ ratelimit=2/s ratelimit=3/m')
    expect([1, 2, 3].map(() => statusOf(handle()))).toEqual([200, 200, 429])
    await clock.advance(1_000)
    const passed = handle()
    expect(statusOf(passed)).toBe(200)
    const refused = handle()
    expect([statusOf(refused), field(refused, 'Retry-After')]).toEqual([429, ['19']])
    expect(field(refused, 'RateLimit-Policy')).toEqual(['"client";q=2;w=1, "client-2";q=3;w=60'])
  })

  test('does not count preflights, and a script can read that it was refused', () => {
    const { handle } = handling('/ ratelimit=1/m cors=https://app.test')
    const origin = ['Origin', 'https://app.test']
    const preflight = { method: 'OPTIONS', fields: [...origin, 'Access-Control-Request-Method', 'PUT'] }
    expect([handle(preflight), handle(preflight)].map(({ answer }) => answer.status)).toEqual([204, 204])
    handle({ fields: origin })
    const refused = handle({ fields: origin })
    expect([statusOf(refused), field(refused, 'Access-Control-Allow-Origin')]).toEqual([
      429,
      ['https://app.test'],
    ])
  })

  test('somebody who only asks what would happen takes no token', () => {
    const { handle } = handling('/ ratelimit=1/m', { isDry: true })
    expect([1, 2, 3].map(() => statusOf(handle()))).toEqual([200, 200, 200])
  })
})

describe('proxy.ratelimit', () => {
  const rateLimits = [parseRate('2/m')!]

  test('counts all routes of a client together, but those that have their own', () => {
    const { handle } = handling(['/a', '/b', '/c ratelimit=1/m', '/d ratelimit=off'], {
      plan: { rateLimits },
    })
    const get = (target: string): number => statusOf(handle({ target }))
    expect(['/a', '/b', '/a', '/b'].map(get)).toEqual([200, 200, 429, 429])
    expect(['/c', '/c'].map(get)).toEqual([200, 429])
    expect(['/d', '/d', '/d', '/d'].map(get)).toEqual([200, 200, 200, 200])
  })
})

test.each(['ratelimit=', 'ratelimit=10', 'ratelimit=10/w', 'ratelimit=10/s,per=route'])(
  '%s is left out',
  (word) => {
    const { options, dropped } = parseOptions([word])
    expect(options).toEqual({})
    expect(dropped[0]).toContain('expected off, or a limit like 100/m or 10/s,burst=50,per=client')
  },
)
