import { BlockList, isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AddressBlock, AddressSet, parseAddressBlock } from '../../src/base/address-set.ts'
import { canonicalAddress } from '../../src/base/ip-address.ts'

/** Letters of addresses, so that many texts are nearly one. */
const nearly = fc.string({ unit: fc.constantFrom(...'0019aFf:.%/'), maxLength: 24 })
const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6())

describe('an address', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0000:0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is written %s', (text, expected) => {
    expect(canonicalAddress(text)).toBe(expected)
  })

  test.each([
    '',
    '10',
    '10.0.0',
    '10.0.0.',
    '10.0.0.1.',
    '.10.0.0.1',
    '10.0.0.256',
    '010.0.0.1',
    '1e1.0.0.1',
    '10.0.0.1 ',
    ':',
    ':::',
    ':1',
    '1:',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '::10.0.0',
    '1:2:3:4:5:6:7:10.0.0.1',
    'fe80::1%',
    '[::1]',
    '10.0.0.1:80',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBe(null)
  })

  test('is one where the system says so, and nothing else is', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, anyAddress), (text) => {
        if (text.includes('%')) return
        expect(canonicalAddress(text) !== null).toBe(isIPv4(text) || isIPv6(text))
      }),
      { numRuns: 20_000 },
    )
  })

  test('is the same however it is spelled', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const written = canonicalAddress(text)!
        expect(canonicalAddress(written)).toBe(written)
        if (!isIPv4(written)) expect(`[${written}]`).toBe(new URL(`http://[${text}]/`).hostname)
      }),
    )
  })
})

describe('a set of address blocks', () => {
  const setOf = (...texts: string[]) => new AddressSet(texts.map((text) => parseAddressBlock(text)!))

  test.each([
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/8'], '9.255.255.255', false],
    [['10.0.0.0/8'], '::ffff:10.1.1.1', true],
    [['10.0.0.0/8'], '::10.1.1.1', false],
    [['::ffff:10.0.0.0/104'], '10.1.1.1', true],
    [['0.0.0.0/0'], '255.255.255.255', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '10.0.0.1', false],
    [['::/0'], 'ffff::', true],
    [['::1'], '::1', true],
    [['::1'], '::2', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['10.0.0.1', '10.0.0.3'], '10.0.0.2', false],
    [['10.0.0.0/9', '10.0.0.0/8', '10.128.0.0/9'], '10.200.0.1', true],
    [[], '10.0.0.1', false],
    [['0.0.0.0/0', '::/0'], 'unknown', false],
    [['0.0.0.0/0', '::/0'], '', false],
  ])('of %j and %s: %s', (blocks, address, expected) => {
    expect(setOf(...blocks).has(address)).toBe(expected)
  })

  test('has what the system’s own list of blocks has', () => {
    // Few different octets, so that blocks hold each other and addresses are met.
    const ipv4 = fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 4, maxLength: 4 })
    const group = fc.constantFrom('0', '1', '7fff', '8000', 'ffff')
    // None that stands for IPv4: to the system's list the IPv6 block ::/0 has those too.
    const ipv6 = fc
      .tuple(fc.constantFrom('1', '8000', 'ffff'), fc.array(group, { minLength: 7, maxLength: 7 }))
      .map(([first, others]) => [first, ...others])
    const address = fc.oneof(
      ipv4.map((octets) => octets.join('.')),
      ipv6.map((groups) => groups.join(':')),
    )
    const block = fc.tuple(address, fc.nat(128)).map(([text, bits]): AddressBlock => {
      const family = text.includes(':') ? 'ipv6' : 'ipv4'
      return { family, address: text, bits: family === 'ipv4' ? bits % 33 : bits }
    })
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), fc.array(address, { minLength: 5 }), (blocks, asked) => {
        const oracles = { ipv4: new BlockList(), ipv6: new BlockList() }
        for (const { family, address: at, bits } of blocks) oracles[family].addSubnet(at, bits, family)
        const set = new AddressSet(blocks)
        for (const one of asked) {
          const family = one.includes(':') ? 'ipv6' : 'ipv4'
          expect(set.has(one), one).toBe(oracles[family].check(one, family))
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
