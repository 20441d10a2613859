import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../src/base/ip-address.ts'
import { type ProxyHeader, readProxyHeader } from '../../src/listen/proxy-protocol.ts'
import { binaryHeader, signature, tcpHeader, textHeader } from '../support/proxy-header.ts'

const read = (text: string | Buffer): ProxyHeader => {
  const octets = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return readProxyHeader(octets, octets.length)
}
const isMalformed = (text: string | Buffer): string => {
  const header = read(text)
  return header.kind === 'malformed' ? header.fault : header.kind
}
const address = fc.oneof(fc.ipV4(), fc.ipV6())

describe('a PROXY header of version 1', () => {
  test.each([
    ['PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n', '192.0.2.7', 56_324],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255', 65_535],
    ['PROXY TCP6 2001:DB8::7 ::1 1 0\r\n', '2001:db8::7', 1],
    ['PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n', '192.0.2.7', 1],
    [
      'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      65_535,
    ],
  ])('%j tells of %s and %d', (text, expected, port) => {
    expect(read(text)).toEqual({ kind: 'header', size: text.length, source: { address: expected, port } })
  })

  test.each([
    'PROXY UNKNOWN\r\n',
    'PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n',
    'PROXY UNKNOWN whatever else\r\n',
  ])('%j tells nothing', (text) => {
    expect(read(text)).toEqual({ kind: 'header', size: text.length, source: null })
  })

  test.each([
    ['PROXY \r\n', 'that is neither'],
    ['PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n', 'that is neither'],
    ['PROXY UNKNOWNS\r\n', 'that is neither'],
    ['PROXY tcp4 192.0.2.7 10.0.0.1 1 2\r\n', 'that is neither'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n', 'that is neither'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n', 'with a port'],
    ['PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n', 'that is neither'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n', 'with a port'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n', 'with a port'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 -1 2\r\n', 'with a port'],
    ['PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n', 'with an address'],
    ['PROXY TCP4 ::1 ::1 1 2\r\n', 'with an address'],
    ['PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n', 'with an address'],
    ['PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', 'with an address'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n', 'with an octet'],
    ['PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\r\n', 'with an octet'],
    ['PROXY TCP4 192.0.2.7\t10.0.0.1 1 2\r\n', 'with an octet'],
    ['PROXY TCP4 \xff', 'with an octet'],
    [`PROXY UNKNOWN ${'x'.repeat(100)}`, 'longer than 107 octets'],
    [`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, 'longer than 107 octets'],
    ['PROXY / HTTP/1.1\r\n', 'that is neither'],
  ])('%j is malformed', (text, fault) => {
    expect(isMalformed(text)).toContain(fault)
  })
})

describe('a PROXY header of version 2', () => {
  test.each(['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.9', '0.0.0.0', '::'])('tells of %s', (source) => {
    const octets = tcpHeader(source, 56_324)
    const expected = { address: canonicalAddress(source), port: 56_324 }
    expect(read(octets)).toEqual({ kind: 'header', size: octets.length, source: expected })
  })

  test('may have more behind the addresses', () => {
    const octets = tcpHeader('192.0.2.7', 1, Buffer.from('\x02\x00\x09shop.test', 'latin1'))
    expect(read(Buffer.concat([octets, Buffer.from('GET /')]))).toEqual({
      kind: 'header',
      size: octets.length,
      source: { address: '192.0.2.7', port: 1 },
    })
  })

  test.each([
    ['LOCAL', 0x20, 0x00, 0],
    ['LOCAL with addresses', 0x20, 0x11, 12],
    ['UNSPEC', 0x21, 0x00, 0],
    ['UNSPEC with something', 0x21, 0x00, 40],
    ['UDP', 0x21, 0x12, 12],
    ['a UNIX socket', 0x21, 0x31, 216],
  ])('for %s tells nothing', (_what, command, family, length) => {
    expect(read(binaryHeader(command, family, Buffer.alloc(length)))).toEqual({
      kind: 'header',
      size: 16 + length,
      source: null,
    })
  })

  test.each([
    ['version 1', 0x11, 0x11, 12, 'of a version'],
    ['version 3', 0x31, 0x11, 12, 'of a version'],
    ['another command', 0x22, 0x11, 12, 'of a version'],
    ['another family', 0x21, 0x41, 12, 'with a family'],
    ['another transport', 0x21, 0x13, 12, 'with a family'],
    ['too little for IPv4', 0x21, 0x11, 11, 'with 11 octets for addresses that take 12'],
    ['too little for IPv6', 0x21, 0x21, 35, 'with 35 octets for addresses that take 36'],
    ['too much', 0x21, 0x11, 4_081, 'of 4097 octets, more than 4096'],
  ])('with %s is malformed', (_what, command, family, length, fault) => {
    expect(isMalformed(binaryHeader(command, family, Buffer.alloc(length)))).toContain(fault)
  })

  test('that will be too long is malformed before it is there', () => {
    expect(isMalformed(binaryHeader(0x21, 0x11, Buffer.alloc(9_000)).subarray(0, 16))).toContain('more than')
  })
})

describe('the first octets of a connection', () => {
  test.each([
    'GET / HTTP/1.1',
    'POST',
    'PROPFIND / HTTP/1.1',
    'PROXYZ',
    '\r\nGET /',
    '\r\n\r\nGET',
    '\x16\x03\x01',
    '\0',
  ])('%j are no header', (text) => {
    expect(read(text)).toEqual({ kind: 'none' })
  })

  test.each(['', 'P', 'PRO', 'PROXY', '\r', '\r\n\r\n', signature.toString('latin1')])(
    '%j are too few to tell',
    (text) => {
      expect(read(text)).toEqual({ kind: 'incomplete' })
    },
  )

  const header = fc.oneof(
    fc.tuple(address, fc.nat(65_535)).map(([source, port]) => Buffer.from(textHeader(source, port))),
    fc
      .tuple(address, fc.nat(65_535), fc.uint8Array({ maxLength: 50 }))
      .map(([source, port, more]) => tcpHeader(source, port, Buffer.from(more))),
  )

  test('that are a header are read as what they tell, whatever follows', () => {
    fc.assert(
      fc.property(address, fc.nat(65_535), fc.boolean(), fc.uint8Array(), (source, port, isText, rest) => {
        const octets = isText ? Buffer.from(textHeader(source, port)) : tcpHeader(source, port)
        expect(read(Buffer.concat([octets, rest]))).toEqual({
          kind: 'header',
          size: octets.length,
          source: { address: canonicalAddress(source), port },
        })
      }),
    )
  })

  test('that are part of a header are never taken for anything else', () => {
    fc.assert(
      fc.property(header, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (octets, part) => {
        expect(read(octets.subarray(0, Math.floor(part * octets.length)))).toEqual({ kind: 'incomplete' })
      }),
    )
  })

  test('are read in some way whatever they are, and no header is longer than they', () => {
    const start = fc.constantFrom('PROXY ', 'PROXY TCP4 ', 'PROXY TCP6 ', signature.toString('latin1'), '')
    const octets = fc
      .tuple(start, fc.uint8Array({ maxLength: 200 }))
      .map(([text, rest]) => Buffer.concat([Buffer.from(text, 'latin1'), rest]))
    fc.assert(
      fc.property(octets, (some) => {
        const found = read(some)
        if (found.kind === 'header') expect(found.size).toBeLessThanOrEqual(some.length)
        if (found.kind === 'incomplete') expect(some.length).toBeLessThan(4_096)
      }),
      { numRuns: 5_000 },
    )
  })
})
