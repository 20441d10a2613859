import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldLine } from '../../src/base/field-syntax.ts'
import { parseFieldEdit } from '../../src/route/field-edit.ts'
import { RouteMistake } from '../../src/route/mistake.ts'
import { parseOptions } from '../../src/route/options.ts'

describe('a field that an option sets', () => {
  test.each([
    ['X-A:b', 'X-A', 'b'],
    ['X-A:', 'X-A', ''],
    ['X-A:b:c=d', 'X-A', 'b:c=d'],
    ['X-A:a%20b', 'X-A', 'a b'],
    ['X-A:%20a%09', 'X-A', 'a'],
    ['X-A:100%25', 'X-A', '100%'],
    ['X-A:%C3%A9é', 'X-A', '\xc3\xa9\xc3\xa9'],
    [
      "Content-Security-Policy:default-src%20'self';img-src%20*",
      'Content-Security-Policy',
      "default-src 'self';img-src *",
    ],
  ])('%s is %s with the value %j', (text, name, value) => {
    expect(parseFieldEdit('set', text)).toEqual({ kind: 'set', name, value })
  })

  test.each([
    ['', 'expected a field like X-Name:value, got ""'],
    ['X-A', 'expected a field like X-Name:value, got "X-A"'],
    [':b', 'expected a field like X-Name:value, got ":b"'],
    ['X A:b', 'expected the name of a field, got "X A"'],
    ['X-A:%', 'expected two hexadecimal digits after each "%" (%25 is "%"), got "%"'],
    ['X-A:%zz', 'expected two hexadecimal digits after each "%" (%25 is "%"), got "%zz"'],
    ['X-A:a%0d%0aX-B:c', 'expected a value without control characters, got "a%0d%0aX-B:c"'],
    ['X-A:a%00', 'expected a value without control characters, got "a%00"'],
  ])('%s is a mistake: %s', (text, words) => {
    expect(() => parseFieldEdit('add', text)).toThrow(new RouteMistake(words))
  })

  test.each([
    ...['Content-Length', 'Transfer-Encoding', 'connection', 'TE', 'Trailer', 'Upgrade', 'Keep-Alive'],
    ...['Host', 'Expect', 'Date', 'Proxy-Authorization', 'Proxy-Connection', 'HTTP2-Settings'],
  ])('%s belongs to the connection or the framing, and nobody sets or takes it', (name) => {
    const words = `expected a field that is not the gateway's own (framing, connection, Host, Date), got "${name}"`
    expect(() => parseFieldEdit('set', `${name}:1`)).toThrow(words)
    expect(() => parseFieldEdit('add', `${name}:1`)).toThrow(words)
    expect(() => parseFieldEdit('remove', name)).toThrow(words)
  })

  test('to remove it is its name alone', () => {
    expect(parseFieldEdit('remove', 'Server')).toEqual({ kind: 'remove', name: 'Server', value: '' })
    expect(() => parseFieldEdit('remove', 'Server:x')).toThrow('expected a field name like X-Powered-By')
  })

  test('fits on a line, whatever was written', () => {
    const octet = fc.integer({ min: 0, max: 255 }).map((code) => `%${code.toString(16).padStart(2, '0')}`)
    const text = fc
      .array(fc.oneof(fc.constantFrom('X-A', ':', '%', ' '), octet, fc.string()))
      .map((all) => all.join(''))
    fc.assert(
      fc.property(fc.constantFrom('set', 'add', 'remove'), text, (kind, written) => {
        try {
          const { name, value } = parseFieldEdit(kind, written)
          expect(fieldLine(name, value).split(/[\r\n]/)).toHaveLength(3)
        } catch (error) {
          expect(error).toBeInstanceOf(RouteMistake)
        }
      }),
    )
  })

  test('what was encoded comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const shown = text.replace(/\p{Cc}/gu, '').trim()
        const { value } = parseFieldEdit('set', `X-A:${encodeURIComponent(shown)}`)
        expect(Buffer.from(value, 'latin1').toString('utf8')).toBe(shown.replace(/^[\t ]+|[\t ]+$/g, ''))
      }),
    )
  })
})

describe('options that change fields', () => {
  test('may be given again and again, and all count in their order', () => {
    const words = [
      'header.response.set=X-A:1',
      'strip=/a',
      'header.response.add=X-A:2',
      'strip=/b',
      'header.response.set=X-A:1',
      'header.request.remove=Cookie',
    ]
    expect(parseOptions(words).options).toEqual({
      strip: '/b',
      responseFields: [
        { kind: 'set', name: 'X-A', value: '1' },
        { kind: 'add', name: 'X-A', value: '2' },
        { kind: 'set', name: 'X-A', value: '1' },
      ],
      requestFields: [{ kind: 'remove', name: 'Cookie', value: '' }],
    })
  })

  test('a mistake in one of them costs that one alone', () => {
    const { options, dropped } = parseOptions(['header.request.set=Host:x', 'header.request.set=X-B:2'])
    expect(options.requestFields).toEqual([{ kind: 'set', name: 'X-B', value: '2' }])
    expect(dropped).toHaveLength(1)
  })
})
