import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAccessRule } from '../../src/route/address-block.ts'
import { RouteMistake } from '../../src/route/mistake.ts'

const text = (rule: string): string[] =>
  parseAccessRule(rule).map(({ family, address, bits }) => `${family} ${address}/${bits}`)

describe('an access rule', () => {
  test.each([
    ['ip:10.0.0.0/8', ['ipv4 10.0.0.0/8']],
    ['ip:10.1.2.3', ['ipv4 10.1.2.3/32']],
    ['ip:fe80::1', ['ipv6 fe80::1/128']],
    ['ip:2001:db8:1:2::/64', ['ipv6 2001:db8:1:2::/64']],
    ['ip:10.0.0.0/8,ip:172.16.5.0/24', ['ipv4 10.0.0.0/8', 'ipv4 172.16.5.0/24']],
    ['ip:10.0.0.1, IP:10.0.0.2', ['ipv4 10.0.0.1/32', 'ipv4 10.0.0.2/32']],
    ['ip:0.0.0.0/0', ['ipv4 0.0.0.0/0']],
    ['ip:::/0', ['ipv6 ::/0']],
    ['ip:::ffff:10.0.0.1', ['ipv4 10.0.0.1/32']],
    ['ip:::ffff:a00:1', ['ipv4 10.0.0.1/32']],
    ['ip:0:0:0:0:0:ffff:10.0.0.0/104', ['ipv4 10.0.0.0/8']],
    ['ip:::ffff:0:0/95', ['ipv6 ::ffff:0:0/95']],
  ])('%s is %j', (rule, expected) => {
    expect(text(rule)).toEqual(expected)
  })

  test.each([
    'net:10.0.0.0/8',
    'ip:10/8',
    'ip:10.0.0.0/255',
    'ip:10.0.0.0/33',
    'ip:10.0.0.0/',
    'ip:10.0.0.0/-1',
    'ip:10.0.0.0/8/8',
    'ip:fe80::1%eth0',
    'ip:fe80::/129',
    'ip:010.0.0.1',
    'ip:example.com',
    'ip:',
    '10.0.0.1',
    '',
    'ip:10.0.0.1,',
    'ip:10.0.0.1,,ip:10.0.0.2',
  ])('%j is refused as a whole', (rule) => {
    expect(() => parseAccessRule(rule)).toThrow(
      /^expected an item like ip:10\.0\.0\.0\/8 or ip:2001:db8::1, got "/,
    )
  })

  test('is read or refused with words, whatever it is', () => {
    const rule = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ip:.,/0129abf%') }), fc.ipV6())
    fc.assert(
      fc.property(rule, (some) => {
        try {
          for (const { family, bits } of parseAccessRule(`ip:${some}`)) {
            expect(bits).toBeLessThanOrEqual(family === 'ipv4' ? 32 : 128)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RouteMistake)
        }
      }),
    )
  })
})
