import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ForwardedElement,
  forwardedElement,
  hopAddress,
  nodeAddress,
  parseForwarded,
} from '../../src/proxy/forwarded.ts'

const element = (more: Partial<ForwardedElement>): ForwardedElement => ({
  for: '',
  by: '',
  host: '',
  proto: '',
  ...more,
})

describe('Forwarded', () => {
  test.each([
    ['', []],
    // RFC 7239 section 4
    ['for="_gazonk"', [element({ for: '_gazonk' })]],
    ['For="[2001:db8:cafe::17]:4711"', [element({ for: '[2001:db8:cafe::17]:4711' })]],
    [
      'for=192.0.2.60;proto=http;by=203.0.113.43',
      [element({ for: '192.0.2.60', proto: 'http', by: '203.0.113.43' })],
    ],
    [
      'for=192.0.2.43, for=198.51.100.17',
      [element({ for: '192.0.2.43' }), element({ for: '198.51.100.17' })],
    ],
    [
      'for=192.0.2.43,FOR="[::1]",for=unknown',
      ['192.0.2.43', '[::1]', 'unknown'].map((f) => element({ for: f })),
    ],
    // sections of a list may be empty, and so may pairs
    [', for=a ,, ;for=b; ,', [element({ for: 'a' }), element({ for: 'b' })]],
    ['for=a; proto=https ;by=b', [element({ for: 'a', proto: 'https', by: 'b' })]],
    ['for=a;secret=x;host="b:80"', [element({ for: 'a', host: 'b:80' })]],
    [String.raw`for="a\"b\\c,;=";host=x`, [element({ for: String.raw`a"b\c,;=`, host: 'x' })]],
  ])('%j says %j', (value, expected) => {
    expect(parseForwarded(value)).toEqual(expected)
  })

  test.each([
    'for',
    'for=',
    '=a',
    'for =a',
    'for= a',
    'for=a b',
    'for=a;for=b',
    'for=a;FOR=b',
    'for="a',
    'for=a"',
    'for="a"b',
    'for=[::1]',
    'for=2001:db8::1',
    'for=1.2.3.4:80',
    'httpproto=http/1.1',
    'for=a, for="',
    'for=\x80',
  ])('%j is none', (value) => {
    expect(parseForwarded(value)).toBe(null)
  })

  test('is read as it was written, whatever stands in the quotes', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab:[].",;=\\ '), minLength: 1 })
    const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`
    const some = fc.record({ for: text, by: text, host: text, proto: text })
    fc.assert(
      fc.property(fc.array(some), (elements) => {
        const value = elements
          .map((each) =>
            Object.entries(each)
              .map(([name, said]) => `${name}=${quoted(said)}`)
              .join(';'),
          )
          .join(',')
        expect(parseForwarded(value)).toEqual(elements)
      }),
    )
  })

  test('is read or not, and never in more than a moment, whatever it is', () => {
    const unit = fc.constantFrom(...'for=by;,"\\ a1.:[]\t')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 2_000 }), (value) => {
        const elements = parseForwarded(value)
        if (elements !== null) for (const { for: node } of elements) nodeAddress(node)
      }),
    )
    const hostile = `for="${'\\a'.repeat(30_000)}`
    const started = performance.now()
    expect(parseForwarded(hostile)).toBe(null)
    expect(performance.now() - started).toBeLessThan(200)
  })
})

describe('a node', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:_port', '192.0.2.7', '192.0.2.7'],
    ['[2001:DB8::1]', '2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1', '2001:db8::1'],
    ['[::ffff:10.0.0.1]', '10.0.0.1', '10.0.0.1'],
    // an address by itself only in X-Forwarded-For
    ['2001:db8::1', null, '2001:db8::1'],
    ['[192.0.2.7]', null, null],
    ['unknown', null, null],
    ['_hidden', null, null],
    ['192.0.2.7:', null, null],
    ['192.0.2.7:123456', null, null],
    ['[::1', null, null],
    ['[::1]x', null, null],
    ['10.0.0.1 ', null, null],
    ['', null, null],
  ])('%j is %j in Forwarded and %j in X-Forwarded-For', (text, node, hop) => {
    expect([nodeAddress(text), hopAddress(text)]).toEqual([node, hop])
  })

  test('of ours is read back as the address that it stands for', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.domain(), (address, host) => {
        const own = forwardedElement({ for: address, by: address, host: `${host}:81`, proto: 'http' })
        const [read, ...others] = parseForwarded(own)!
        expect(others).toEqual([])
        expect(nodeAddress(read!.for)).toBe(hopAddress(address))
        expect(nodeAddress(read!.by)).toBe(hopAddress(address))
        expect(read).toMatchObject({ host: `${host}:81`, proto: 'http' })
      }),
    )
  })
})
