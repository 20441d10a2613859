import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RouteMistake } from '../../src/route/mistake.ts'
import { parseOptions } from '../../src/route/options.ts'

const wordsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '')

describe('the options', () => {
  test.each([
    ['strip=/a', { strip: '/a' }],
    ['strip=a', { strip: '/a' }],
    ['prepend=/a=b', { prepend: '/a=b' }],
    ['host=dst', { host: 'dst' }],
    ['tlsskipverify=true', { tlsSkipVerify: true }],
    ['tlsskipverify=false', { tlsSkipVerify: false }],
    ['pxyproto=true', { pxyProto: true }],
    ['register=alias', { register: 'alias' }],
    ['proto=https', { proto: 'https' }],
    ['grpcservername=x.net', { grpcServerName: 'x.net' }],
    ['auth=staff', { auth: 'staff' }],
    ['deny=ip:10.0.0.1', { deny: [{ family: 'ipv4', address: '10.0.0.1', bits: 32 }] }],
    ['matcher=segment', { matcher: 'segment' }],
    ['matcher=glob', { matcher: 'glob' }],
    ['matcher=iprefix', { matcher: 'iprefix' }],
    ['matcher=prefix', { matcher: 'prefix' }],
    ['strip=/a strip=/b', { strip: '/b' }],
    ['weight=0.5 nobody=knows word', {}],
    ['', {}],
  ])('%j are %j', (text, expected) => {
    const parsed = parseOptions(wordsOf(text))
    expect(parsed).toEqual({ options: expected, redirect: null, optionText: text, dropped: [], closed: [] })
  })

  test.each([
    ['strip=', 'expected a path, got ""'],
    ['prepend', 'expected a path, got ""'],
    ['host=', 'expected a host name or dst, got ""'],
    ['host=é.net', 'expected a host name or dst, got "é.net"'],
    ['tlsskipverify=yes', 'expected true or false, got "yes"'],
    ['pxyproto=1', 'expected true or false, got "1"'],
    ['register=', 'expected a name, got ""'],
    ['grpcservername=', 'expected a name, got ""'],
    ['matcher=regex', 'expected prefix, iprefix, glob or segment, got "regex"'],
    ['matcher=', 'expected prefix, iprefix, glob or segment, got ""'],
  ])('%s is left out: %s', (word, words) => {
    const { options, optionText, dropped, closed } = parseOptions([word])
    expect([options, optionText, closed]).toEqual([{}, word, []])
    expect(dropped).toEqual([`option ${JSON.stringify(word)}: ${words}`])
  })

  test.each(['redirect', 'redirect=', 'redirect=299', 'redirect=400', 'redirect=3011', 'redirect=abc'])(
    '%s refuses the route: it would lead where nobody meant it to',
    (word) => {
      expect(() => parseOptions([word])).toThrow(
        new RouteMistake(
          `option ${JSON.stringify(word)}: expected a status from 300 to 399, got ${JSON.stringify(word.split('=')[1] ?? '')}`,
        ),
      )
    },
  )

  test('a rule that is wrong closes the route, and takes the other rules with it', () => {
    const { options, closed } = parseOptions(wordsOf('deny=ip:10/8 auth=staff strip=/a'))
    expect(options).toEqual({ allow: [], auth: 'staff', strip: '/a' })
    expect(closed).toEqual([
      'option "deny=ip:10/8": expected an item like ip:10.0.0.0/8 or ip:2001:db8::1, got "ip:10/8"',
    ])
  })

  test('a long value is cut in the reason', () => {
    const [reason] = parseOptions([`matcher=${'x'.repeat(10_000)}`]).dropped
    expect(reason!.length).toBeLessThan(400)
  })

  test('are read, or refused with words, whatever they are', () => {
    const key = fc.constantFrom(
      ...['strip', 'allow', 'deny', 'auth', 'redirect', 'matcher', 'host', '__proto__', 'toString', ''],
    )
    const word = fc.tuple(key, fc.string()).map((pair) => pair.join('='))
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
        try {
          const { options, optionText, closed } = parseOptions(words)
          expect(optionText).toBe(words.join(' '))
          if (closed.length > 0) expect(options.allow).toEqual([])
        } catch (error) {
          expect(error).toBeInstanceOf(RouteMistake)
        }
      }),
    )
  })
})
