import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authSchemes } from '../../src/config/auth-schemes.ts'
import { ValueError } from '../../src/config/kind.ts'
import { parseContext } from './context.ts'

function parse(text: string) {
  const warnings: string[] = []
  const schemes = authSchemes.parse(text, parseContext({ warn: (sentence) => warnings.push(sentence) }))
  return { schemes, warnings }
}

describe('proxy.auth', () => {
  test('is empty by default', () => {
    expect(parse('')).toEqual({ schemes: [], warnings: [] })
  })

  test.each([
    [
      'name=staff;type=basic;file=/etc/users',
      { name: 'staff', file: '/etc/users', realm: 'staff', refresh: 0 },
    ],
    ['name=a;type=basic;file=f;realm=Who are you;refresh=30s', { realm: 'Who are you', refresh: 30_000 }],
    ['name=a;type=basic;file=f;refresh=', { refresh: 0 }],
    // fabio raises it.
    ['name=a;type=basic;file=f;refresh=1ms', { refresh: 1_000 }],
    ['name=a;type=basic;file="a;b,c"', { file: 'a;b,c' }],
  ])('reads %s', (text, expected) => {
    const { schemes, warnings } = parse(text)
    expect(schemes).toMatchObject([{ type: 'basic', ...expected }])
    expect(warnings).toEqual([])
  })

  test('reads forward', () => {
    expect(parse('name=sso;type=forward;url=http://127.0.0.1:4180/verify').schemes).toEqual([
      {
        ...{ type: 'forward', name: 'sso', url: 'http://127.0.0.1:4180/verify' },
        ...{ timeout: 5_000, tlsSkipVerify: false },
        ...{ requestHeaders: null, upstreamHeaders: [], responseHeaders: [] },
      },
    ])
    const text =
      'name=sso;type=forward;url=https://sso.test;timeout=500ms;tlsskipverify=true;requestheaders="Cookie, Authorization";upstreamheaders=X-User X-Email;responseheaders=Set-Cookie'
    expect(parse(text).schemes).toMatchObject([
      {
        ...{ url: 'https://sso.test', timeout: 500, tlsSkipVerify: true },
        ...{ requestHeaders: ['Cookie', 'Authorization'], upstreamHeaders: ['X-User', 'X-Email'] },
        responseHeaders: ['Set-Cookie'],
      },
    ])
  })

  test('reads jwt', () => {
    const { schemes, warnings } = parse(
      'name=api;type=jwt;url=https://id.test/keys;issuer=https://id.test;audience="a,b";algorithms="ES256 RS256";leeway=1m;cookie=session;claims="sub:X-User,https://id.test/role:X-Role"',
    )
    expect(schemes).toEqual([
      {
        ...{
          type: 'jwt',
          name: 'api',
          url: 'https://id.test/keys',
          file: '',
          refresh: 300_000,
          timeout: 5_000,
        },
        ...{
          issuer: 'https://id.test',
          audience: ['a', 'b'],
          algorithms: ['ES256', 'RS256'],
          leeway: 60_000,
        },
        ...{ header: 'Authorization', cookie: 'session' },
        claims: [
          { claim: 'sub', header: 'X-User' },
          { claim: 'https://id.test/role', header: 'X-Role' },
        ],
      },
    ])
    expect(warnings).toEqual([])
  })

  test('takes no shared secrets for tokens unless they are named', () => {
    const [scheme] = parse('name=api;type=jwt;file=keys;issuer=me').schemes
    expect(scheme).toMatchObject({ file: 'keys', url: '', refresh: 0, leeway: 5_000 })
    const { algorithms } = scheme as { algorithms: readonly string[] }
    expect(algorithms).toContain('ES256')
    expect(algorithms.filter((name) => name.startsWith('HS') || name === 'none')).toEqual([])
  })

  test('warns of keys that nobody knows, and of tokens that anybody may have been given', () => {
    expect(parse('name=a;type=basic;file=f;url=x').warnings).toEqual([
      'a: unknown key "url" of the type basic, ignored',
    ])
    expect(parse('name=a;type=jwt;file=f').warnings).toEqual([
      'a: any token of these keys will do, whoever it was made for: issuer and audience say which',
    ])
  })

  test.each([
    ['type=basic;file=f', 'expected a name for each scheme, like name=staff;type=basic'],
    ['name=;type=basic', 'expected a name for each scheme'],
    ['name=a b;type=basic;file=f', 'expected a name without blanks and quotes, got "a b"'],
    ['name=a;file=f', 'a: type: expected basic, forward or jwt, got none'],
    ['name=a;type=ldap', 'a: type: expected basic, forward or jwt, got "ldap"'],
    ['name=a;type=basic', 'a: file: expected an htpasswd file, got none'],
    [
      'name=a;type=basic;file=f;refresh=soon',
      'a: refresh: expected a duration like 500ms or 30s, got "soon"',
    ],
    ['name=a;type=basic;file=f;refresh=-1s', 'a: refresh: expected a duration of at least 0s, got "-1s"'],
    ['name=a;type=basic;file=f;realm=é', 'a: realm: expected printable ASCII, got "é"'],
    ['name=a;type=basic;file=f,name=a;type=basic;file=g', 'expected schemes of different names, got "a"'],
    ['name=a;type=forward', 'a: url: expected a URL like http://127.0.0.1:4180/verify, got none'],
    ['name=a;type=forward;url=ftp://x', 'a: url: expected a URL like'],
    ['name=a;type=forward;url=http://joe:secret@x/', 'got one with a user or a password in it'],
    [
      'name=a;type=forward;url=http://x;timeout=0',
      'a: timeout: expected a duration of more than 0s, got "0"',
    ],
    ['name=a;type=forward;url=http://x;tlsskipverify=maybe', 'a: tlsskipverify: expected true or false'],
    ['name=a;type=forward;url=http://x;upstreamheaders=X User:', 'a: upstreamheaders: expected the name of'],
    ['name=a;type=forward;url=http://x;upstreamheaders=Host', 'a: upstreamheaders: expected a header field'],
    [
      'name=a;type=forward;url=http://x;upstreamheaders=X-Forwarded-For',
      'a: upstreamheaders: expected header fields that are not written anyway, got "X-Forwarded-For"',
    ],
    ['name=a;type=jwt;issuer=x', 'a: expected url or file for the keys that sign tokens, got neither'],
    [
      'name=a;type=jwt;url=http://x;file=f',
      'a: expected url or file for the keys that sign tokens, got both',
    ],
    ['name=a;type=jwt;file=f;algorithms=none', 'a: algorithms: expected RS256, '],
    ['name=a;type=jwt;file=f;claims=sub', 'a: claims: expected items like sub:X-User, got "sub"'],
    ['name=a;type=jwt;file=f;claims=sub:', 'a: claims: expected items like sub:X-User, got "sub:"'],
    ['name=a;type=jwt;file=f;claims=sub:Content-Length', 'a: claims: expected a header field'],
    ['name=a;type=jwt;file=f;cookie=a;b', 'expected key=value after ";"'],
    ['nonsense', 'expected a name for each scheme'],
  ])('refuses %s', (text, words) => {
    expect(() => parse(text)).toThrow(ValueError)
    expect(() => parse(text)).toThrow(words)
  })

  test('does not repeat a password that stands in a URL', () => {
    expect(() => parse('name=a;type=jwt;url=https://joe:secret@x/')).toThrow(/^(?!.*secret)/)
  })

  test('is read or refused with words, whatever it is', () => {
    const key = fc.constantFrom(
      'name',
      'type',
      'file',
      'url',
      'claims',
      'timeout',
      'refresh',
      'algorithms',
      'x',
    )
    const value = fc.oneof(
      fc.constantFrom('basic', 'forward', 'jwt', 'http://x/', '5s', 'sub:X'),
      fc.string(),
    )
    const pair = fc.tuple(key, value).map((both) => both.join('='))
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        try {
          parse(pairs.join(';'))
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError)
        }
      }),
    )
  })
})
