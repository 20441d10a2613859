import { describe, expect, test } from 'vitest'
import { HostIndex, isPattern, requestHost } from '../../src/match/host-index.ts'

const indexOf = (...hosts: string[]): HostIndex<string> =>
  hosts.reduce((index, host) => index.withHost(host, host), new HostIndex<string>())

/** Every host that is asked, in order. */
function asked(index: HostIndex<string>, name: string, secure = false): string[] {
  const order: string[] = []
  index.search(name, secure, (host) => {
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
    const index = indexOf('*.a.net', 'x.a.net', '').withoutHost('x.a.net').withoutHost('*.a.net')
    expect(asked(index, 'x.a.net')).toEqual([''])
  })

  test('a request without a host is asked of the empty host once', () => {
    expect(asked(indexOf('', 'a.net'), '')).toEqual([''])
  })

  test('an IPv6 literal is a name and no character set', () => {
    expect(isPattern('[2001:db8::1]:8080')).toBe(false)
    expect(asked(indexOf('[2001:db8::1]'), '[2001:db8::1]')).toEqual(['[2001:db8::1]'])
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
