import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileAccess } from '../../src/middleware/access.ts'
import type { LocalAnswer } from '../../src/proxy/plan.ts'
import { parseOptions } from '../../src/route/options.ts'
import { exchangeOf } from '../support/exchange.ts'

interface From {
  /** Of the peer. */
  readonly peer: string
  /** Lines of X-Forwarded-For. */
  readonly hops?: readonly string[]
  /** What `proxy.trusted` found out. */
  readonly client?: string | null
}

/** True: the request may pass. */
function passes(options: string, { peer, hops = [], client = null }: From): boolean {
  const fields = sectionOf(hops.flatMap((hop) => ['X-Forwarded-For', hop]))
  const exchange = exchangeOf({ fields }, { remoteAddress: peer })
  if (client !== null) {
    exchange.clientAddress = client
    exchange.isPeerTrusted = true
  }
  const verdict = compileAccess(parseOptions(options.split(' ')).options)!.run(exchange) as LocalAnswer | null
  if (verdict !== null) expect([verdict.status, verdict.error?.code]).toEqual([403, 'GW_FORBIDDEN'])
  return verdict === null
}

describe('allow', () => {
  // fabio reference 17.8.
  test.each([
    ['10.1.1.1, 8.8.8.8, 10.1.1.2', '10.1.1.9', false],
    ['10.1.1.1, 8.8.4.4', '8.8.8.8', false],
    ['10.1.1.1, 8.8.4.4', '172.16.5.7', false],
    ['10.1.1.1, 10.200.0.1', '172.16.5.7', true],
    [null, '172.16.5.7', true],
  ])('by way of %s from %s: %s', (hops, peer, expected) => {
    const rule = 'allow=ip:10.0.0.0/8,ip:172.16.5.0/24'
    expect(passes(rule, { peer, hops: hops === null ? [] : [hops] })).toBe(expected)
  })

  test('looks at all lines of X-Forwarded-For', () => {
    const rule = 'allow=ip:10.0.0.0/8'
    expect(passes(rule, { peer: '10.0.0.1', hops: ['10.0.0.2', '8.8.8.8'] })).toBe(false)
    expect(passes(rule, { peer: '10.0.0.1', hops: ['10.0.0.2', '10.0.0.3,10.0.0.4'] })).toBe(true)
  })

  test.each([
    ['10.0.0.2:4711', true],
    ['::ffff:10.0.0.2', true],
    ['[::ffff:10.0.0.2]:80', true],
    ['"[::ffff:10.0.0.2]:80"', true],
    [' , 10.0.0.2,, ', true],
    ['8.8.8.8:80', false],
    ['unknown', false],
    ['10.0.0.256', false],
    ['10.0.0.2.evil.test', false],
    ['_hidden', false],
  ])('a hop that is written %s: %s', (hop, expected) => {
    expect(passes('allow=ip:10.0.0.0/8', { peer: '10.0.0.1', hops: [hop] })).toBe(expected)
  })

  test('a way of more than a hundred hops is none', () => {
    const way = (count: number): string => Array.from({ length: count }, () => '10.0.0.2').join(', ')
    expect(passes('allow=ip:10.0.0.0/8', { peer: '10.0.0.1', hops: [way(100)] })).toBe(true)
    expect(passes('allow=ip:10.0.0.0/8', { peer: '10.0.0.1', hops: [way(101)] })).toBe(false)
    expect(passes('deny=ip:8.8.8.8', { peer: '10.0.0.1', hops: [way(60), way(60)] })).toBe(false)
  })

  test('knows an IPv6 address in whatever form, and with a zone', () => {
    expect(passes('allow=ip:fe80::/10', { peer: 'fe80::1%eth0' })).toBe(true)
    expect(passes('allow=ip:2001:db8::/32', { peer: '2001:0DB8:0::1' })).toBe(true)
    expect(passes('allow=ip:2001:db8::/32', { peer: '2001:db9::1' })).toBe(false)
  })

  test.each(['', 'unknown', '/run/socket'])('a peer whose address is %j is refused', (peer) => {
    expect(passes('allow=ip:0.0.0.0/0,ip:::/0', { peer })).toBe(false)
  })
})

describe('deny', () => {
  test.each([
    ['8.8.8.8', [], false],
    ['10.0.0.1', [], true],
    ['10.0.0.1', ['9.9.9.9, 8.8.1.1'], false],
    ['10.0.0.1', ['9.9.9.9', '8.8.1.1'], false],
    ['10.0.0.1', ['9.9.9.9, unknown'], true],
    ['::ffff:8.8.8.8', [], false],
    ['unknown', [], false],
    ['', [], false],
  ])('from %s by way of %j: %s', (peer, hops, expected) => {
    expect(passes('deny=ip:8.8.0.0/16', { peer, hops })).toBe(expected)
  })
})

describe('with proxy.trusted', () => {
  test('the address of the client counts, and no hop before or after it', () => {
    const from = { peer: '192.0.2.1', hops: ['6.6.6.6, 10.0.0.7'] }
    expect(passes('allow=ip:10.0.0.0/8', { ...from, client: '10.0.0.7' })).toBe(true)
    expect(passes('allow=ip:10.0.0.0/8', { ...from, client: '6.6.6.6' })).toBe(false)
    expect(passes('deny=ip:6.6.6.6', { ...from, client: '10.0.0.7' })).toBe(true)
  })

  test('a client that nobody knows is refused, whatever the rule', () => {
    expect(passes('allow=ip:0.0.0.0/0', { peer: '192.0.2.1', client: 'unknown' })).toBe(false)
    expect(passes('deny=ip:6.6.6.6', { peer: '192.0.2.1', client: 'unknown' })).toBe(false)
  })
})

describe('a rule that is wrong', () => {
  test.each([
    'allow=ip:10/8',
    'deny=ip:10/8',
    'allow=ip:10.0.0.0/8 deny=ip:10.0.0.1',
    'allow=ip:0.0.0.0/0,nonsense',
  ])('%s lets nobody pass', (rule) => {
    expect(passes(rule, { peer: '10.0.0.9' })).toBe(false)
  })

  test('or right never lets a hop pass that it would refuse as a peer', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6())
    const rule = fc.tuple(fc.constantFrom('allow', 'deny'), address).map(([key, ip]) => `${key}=ip:${ip}/8`)
    fc.assert(
      fc.property(rule, address, fc.array(address, { maxLength: 4 }), (some, peer, hops) => {
        const each = [peer, ...hops].every((one) => passes(some, { peer: one }))
        expect(passes(some, { peer, hops: [hops.join(', ')] })).toBe(each)
        expect(passes(some, { peer, hops })).toBe(each)
      }),
    )
  })
})

test('without a rule there is no step', () => {
  expect(compileAccess({})).toBeNull()
})
