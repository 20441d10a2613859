import { describe, expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileRedirect } from '../../src/middleware/redirect.ts'
import { routePath } from '../../src/proxy/path.ts'
import type { LocalAnswer } from '../../src/proxy/plan.ts'
import type { RouteOptions } from '../../src/route/options.ts'
import { exchangeOf } from '../support/exchange.ts'

const request = (target: string, host = 'shop.test', fields: string[] = [], secure = false) =>
  exchangeOf({ target, path: routePath(target), host, fields: sectionOf(fields) }, { secure })

function answerTo(url: string, target: string, options: RouteOptions = {}, method = 'GET'): LocalAnswer {
  const { step } = compileRedirect({ code: 301, url }, options)
  return step.run(exchangeOf({ method, target, path: routePath(target), host: 'shop.test' })) as LocalAnswer
}

const locationOf = (answer: LocalAnswer): string => /^Location: (.*)\r\n$/.exec(answer.lines)![1]!

describe('a redirect', () => {
  // fabio reference 6.9.
  const rows: [url: string, target: string, location: string, options?: RouteOptions][] = [
    ['http://new.test/', '/p/q?k=1', 'http://new.test/'],
    ['http://new.test', '/p', 'http://new.test/'],
    ['http://new.test/x/y?from=old', '/p?k=1', 'http://new.test/x/y?from=old'],
    ['https://$host/', '/p/?k=1', 'https://shop.test/'],
    ['http://new.test/$path', '/p/?k=1', 'http://new.test/p/?k=1'],
    ['http://new.test$path', '/p/?k=1', 'http://new.test/p/?k=1'],
    ['https://$host/sub/$path', '/p', 'https://shop.test/sub/p'],
    ['https://$host/sub$path', '/p', 'https://shop.test/sub/p'],
    ['http://new.test/$path', '/old/p?k=1', 'http://new.test/p?k=1', { strip: '/old' }],
    ['https://new.test/sub$path', '/old', 'https://new.test/sub/', { strip: '/old' }],
    ['http://new.test/$path', '/p', 'http://new.test/pre/p', { prepend: '/pre' }],
    ['http://new.test/$path', '/old/p', 'http://new.test/pre/p', { prepend: '/pre', strip: '/old' }],
    ['http://new.test/$path', '/old', 'http://new.test/', { strip: '/old' }],
    ['http://new.test/$path?a=b', '/p?k=1', 'http://new.test/p?a=b'],
    ['http://new.test/$path', '/p%2fq', 'http://new.test/p%2fq'],
    ['/new$path', '/p?k=1', '/new/p?k=1'],
  ]
  test.each(rows)('%s of %s leads to %s', (url, target, location, options = {}) => {
    expect(locationOf(answerTo(url, target, options))).toBe(location)
  })

  test('to a path never leads to another host, however many slashes the client sends', () => {
    expect(locationOf(answerTo('/$path', '//evil.test/x'))).toBe('/evil.test/x')
    expect(locationOf(answerTo('$path', '//evil.test/x'))).toBe('/evil.test/x')
  })

  // To a browser `\` is a slash: /old/\evil.test behind strip=/old led to evil.test.
  test.each(['/\\evil.test/x', '/\\/evil.test/x', '//\\evil.test/x'])('and %s neither', (path) => {
    expect(locationOf(answerTo('/$path', `/old${path}`, { strip: '/old' }))).toBe('/evil.test/x')
    expect(locationOf(answerTo('$path', path))).toBe('/evil.test/x')
  })

  // Heads are written as latin1: of U+010D and U+010A were left CR and LF, and a tag could write lines of the answer.
  test('has a Location on one line, whatever the tag says', () => {
    const answer = answerTo('https://new.test/\u010d\u010aSet-Cookie:a=b', '/p')
    expect(answer.lines).toBe('Location: https://new.test/%C4%8D%C4%8ASet-Cookie:a=b\r\n')
    expect(locationOf(answerTo('https://new.test/für/$path', '/p'))).toBe('https://new.test/f%C3%BCr/p')
  })

  test('has a body that a person can follow, where the client takes one', () => {
    const answer = answerTo('http://new.test/$path', '/<script>"')
    expect(answer.status).toBe(301)
    expect(answer.body!.text).toBe(
      '<a href="http://new.test/&#60;script&#62;&#34;">Moved Permanently</a>.\n\n',
    )
    expect(answerTo('http://new.test/', '/', {}, 'POST').body).toBeNull()
  })
})

// fabio reference 17.2, redirect self-check.
describe('a redirect to where the request already is', () => {
  const rows: [url: string, host: string, target: string, proto: string, secure: boolean, back: boolean][] = [
    ['https://a.net/', 'a.net', '/', '', false, false],
    ['https://a.net/', 'a.net', '/', 'https', true, true],
    ['https://a.net/', 'a.net', '/', 'https', false, true],
    ['https://a.net/', 'A.net:443', '/', 'https', false, true],
    ['http://c.net/', 'b.net', '/', 'http', false, false],
    ['https://d.net/q', 'd.net', '/p', 'https', true, false],
    ['https://$host$path', 'd.net', '/p/../q?x', '', true, true],
    ['/q', 'd.net', '/q', '', false, false],
  ]
  test.each(rows)('%s asked for as %s%s, %s, TLS %s: %s', (url, host, target, proto, secure, back) => {
    const { leadsBack } = compileRedirect({ code: 301, url }, {})
    const fields = proto === '' ? [] : ['X-Forwarded-Proto', proto]
    expect(leadsBack(request(target, host, fields, secure))).toBe(back)
  })
})
