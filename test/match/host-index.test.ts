import { describe, expect, test } from 'vitest'
import { HostIndex, hostMistake, isPattern, requestHost } from '../../src/match/host-index.ts'

const indexOf = (...hosts: string[]): HostIndex<string> =>
  new HostIndex<string>().with(new Map(hosts.map((host) => [host, host])))

/** Every host that is asked, in order. */
function asked(index: HostIndex<string>, name: string, secure = false): string[] {
  const order: string[] = []
  index.search(name, secure, '/', (host) => {
    order.push(host)
    return null
  })
  return order
}

describe('the host index', () => {
  test('asks exact names, then patterns from narrow to wide, then the empty host', () => {
    const index = indexOf('', '*', '*.abc.com', '*.aaa.abc.com', 'z.aaa.abc.com', 'z.aaa.abc.com:80', '*:80')
    expect(asked(index, 'z.aaa.abc.com')).toEqual([
      'z.aaa.abc.com:80',
      'z.aaa.abc.com',
      '*.aaa.abc.com',
      '*.abc.com',
      '*:80',
      '*',
      '',
    ])
  })

  test('an exact name comes before every pattern, whatever the pattern sorts like', () => {
    // fabio asks {a,b}.foo.com before a.foo.com (QUIRK-13).
    expect(asked(indexOf('{a,b}.foo.com', '?.foo.com', 'a.foo.com'), 'a.foo.com')[0]).toBe('a.foo.com')
  })

  test.each([
    ['old.net:80', false, true],
    ['old.net:80', true, false],
    ['old.net:443', true, true],
    ['old.net:443', false, false],
    ['*.net:443', true, true],
    ['*.net:443', false, false],
  ])('%s is asked on a connection with TLS %s: %s', (host, secure, expected) => {
    expect(asked(indexOf(host), 'old.net', secure).includes(host)).toBe(expected)
  })

  test('the order of adding does not matter', () => {
    const hosts = ['*.a.net', '*.net', 'x.a.net', '?.a.net', '']
    expect(asked(indexOf(...hosts), 'x.a.net')).toEqual(asked(indexOf(...hosts.toReversed()), 'x.a.net'))
  })

  test('a host that was taken out is not asked, the others still are', () => {
    const all = indexOf('*.a.net', 'x.a.net', '')
    const gone = new Map([
      ['x.a.net', null],
      ['*.a.net', null],
    ])
    expect(asked(all.with(gone), 'x.a.net')).toEqual([''])
    expect(asked(all, 'x.a.net')).toEqual(['x.a.net', '*.a.net', ''])
  })

  test('a host gets a new value in the place of the old one', () => {
    const index = indexOf('*.a.net', 'x.a.net').with(
      new Map([
        ['*.a.net', 'new pattern'],
        ['x.a.net', 'new name'],
      ]),
    )
    expect(asked(index, 'x.a.net')).toEqual(['new name', 'new pattern'])
    expect([...index.entries()]).toEqual([
      ['x.a.net', 'new name'],
      ['*.a.net', 'new pattern'],
    ])
  })

  test('a request without a host is asked of the empty host once', () => {
    expect(asked(indexOf('', 'a.net'), '')).toEqual([''])
  })

  test('an IPv6 literal is a name and no character set', () => {
    expect(isPattern('[2001:db8::1]:8080')).toBe(false)
    expect(asked(indexOf('[2001:db8::1]'), '[2001:db8::1]')).toEqual(['[2001:db8::1]'])
  })
})

describe('an index of literal hosts', () => {
  const index = new HostIndex<string>(undefined, undefined, () => false)
  const hosts = ['*.a.net', '[x', 'b.net:80', 'b.net', '']
  const literal = index.with(new Map(hosts.map((host) => [host, host])))

  test('takes every host by its letters', () => {
    expect(asked(literal, 'c.a.net')).toEqual([''])
    expect(asked(literal, '*.a.net')).toEqual(['*.a.net', ''])
    expect(asked(literal, 'b.net')).toEqual(['b.net:80', 'b.net', ''])
    expect(asked(literal, 'b.net', true)).toEqual(['b.net', ''])
  })

  test('stays so when it changes', () => {
    const next = literal.with(
      new Map([
        ['*.b.net', '*.b.net'],
        ['*.a.net', null],
      ]),
    )
    expect(asked(next, 'x.b.net')).toEqual([''])
    expect([next.get('*.a.net'), next.get('*.b.net')]).toEqual([null, '*.b.net'])
  })
})

describe('a host', () => {
  test.each([
    ['foo.com', null],
    ['[2001:db8::1]', null],
    ['*.foo.com:80', null],
    ['[x.com', '"[" without "]"'],
    // The port is cut off before the pattern is read.
    ['\\:80', '"\\" at the end'],
    ['\\:81', null],
  ])('%s has the mistake %s, and without one the index takes it', (host, mistake) => {
    expect(hostMistake(host)).toBe(mistake)
    if (mistake === null) expect([...indexOf(host).entries()]).toEqual([[host, host]])
    else expect(() => indexOf(host)).toThrow(mistake)
  })
})

describe('the host of a request', () => {
  test.each([
    ['Foo.COM', false, 'foo.com'],
    ['foo.com:80', false, 'foo.com'],
    ['foo.com:80', true, 'foo.com:80'],
    ['foo.com:443', true, 'foo.com'],
    ['foo.com:443', false, 'foo.com:443'],
    ['foo.com:9999', false, 'foo.com:9999'],
    ['foo.com.', false, 'foo.com.'],
    ['', false, ''],
  ])('%j with TLS %s is compared as %j', (host, secure, expected) => {
    expect(requestHost(host, secure)).toBe(expected)
  })
})
