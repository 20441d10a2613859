import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { originMatcher, originPattern } from '../../src/base/origin.ts'

describe('an origin as it is written', () => {
  test.each([
    ['https://example.com', 'https://example.com'],
    ['HTTPS://Example.COM:443', 'https://example.com'],
    ['http://example.com:80', 'http://example.com'],
    ['http://example.com:443', 'http://example.com:443'],
    ['https://example.com:08443', 'https://example.com:8443'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://localhost:*', 'http://localhost:*'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['https://*.example.com', 'https://*.example.com'],
    ['https://*.example.com:*', 'https://*.example.com:*'],
    ['http://*.localhost', 'http://*.localhost'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
  ])('%s is %s', (text, expected) => {
    expect(originPattern(text)).toBe(expected)
    expect(originPattern(expected)).toBe(expected)
  })

  test.each([
    ['', 'nothing'],
    ['null', 'what every sandboxed frame says'],
    ['*', 'not one origin'],
    ['example.com', 'without a scheme'],
    ['https://', 'without a host'],
    ['https://example.com/', 'with a path'],
    ['https://example.com?x', 'with a query'],
    ['https://u@example.com', 'with a user'],
    ['https://example.com:99999', 'with a port that is none'],
    ['https://example.com:0', 'with a port that is none'],
    ['https://*', 'of everybody'],
    ['https://*.com', 'of nearly everybody'],
    ['https://*.10.0.0.1', 'of an address'],
    ['https://a*.example.com', 'with a wildcard in a label'],
    ['https://*.*.example.com', 'with two wildcards'],
    ['https://a b.com', 'with a blank'],
    ['https://example.com\r\nX: y', 'with a line break'],
  ])('%j is none: %s', (text) => {
    expect(originPattern(text)).toBeNull()
  })

  test('stays as it is once it is read, whatever was written', () => {
    const part = fc.constantFrom(
      'https',
      'HTTP',
      '://',
      '*.',
      'example',
      '.',
      'com',
      ':',
      '80',
      '*',
      'é',
      '/',
      '@',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (text) => {
          const origin = originPattern(text)
          if (origin === null) return
          expect(originPattern(origin)).toBe(origin)
          expect(origin).toMatch(/^[\x21-\x7e]+$/)
        },
      ),
    )
  })
})

describe('the origin of a page', () => {
  const matches = originMatcher([
    'https://shop.test',
    'https://*.example.com',
    'http://*.dev.test:8080',
    'http://localhost:*',
    'https://*.any.test:*',
  ])

  test.each([
    ['https://shop.test', true],
    ['https://a.example.com', true],
    ['https://a.b.example.com', true],
    ['http://a.dev.test:8080', true],
    ['http://localhost', true],
    ['http://localhost:3000', true],
    ['https://a.any.test', true],
    ['https://a.any.test:1', true],
    ['http://shop.test', false],
    ['https://shop.test:8443', false],
    ['https://SHOP.test', false],
    ['https://www.shop.test', false],
    ['https://shop.test.evil.test', false],
    ['https://evilshop.test', false],
    ['https://example.com', false],
    ['https://evilexample.com', false],
    ['https://.example.com', false],
    ['https://a.example.com.evil.test', false],
    ['https://a.example.com:8443', false],
    ['http://a.example.com', false],
    ['https://evil.test/.example.com', false],
    ['https://evil.test#.example.com', false],
    ['https://evil.test?.example.com', false],
    ['https://evil@a.example.com', false],
    ['https://a.example.com ', false],
    ['https://evil.test\\.example.com', false],
    ['https://evil.test%00.example.com', false],
    ['http://a.dev.test', false],
    ['http://localhost.evil.test:3000', false],
    ['http://localhost:3000@evil.test', false],
    ['null', false],
    ['', false],
  ])('%j is among them: %s', (origin, expected) => {
    expect(matches(origin)).toBe(expected)
  })

  test('below a wildcard is whatever a browser reads as a host below it', () => {
    const text = fc
      .array(fc.constantFrom('a', 'evil', '.', 'example.com', '/', '#', '@', ':', '8', '\\', '%2e', '-'))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (host) => {
        const origin = `https://${host}`
        if (!matches(origin)) return
        expect(new URL(origin).origin).toBe(origin)
        expect(new URL(origin).hostname).toMatch(/\.example\.com$/)
      }),
    )
  })
})
