import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { definitionsOf, isRouteTag, parseRouteTag, TagError, type TagRules } from '../../src/route/tag.ts'

const rules: TagRules = { prefix: 'p-', variables: { a: 'Qq', B: 'Rr', DC: 'dc1' } }

describe('a tag', () => {
  test.each([
    ['p', false],
    ['p-', true],
    ['p-/', true],
    [' p-/', true],
    ['P-/', false],
    ['hello', false],
  ])('%j states a route: %s', (tag, expected) => {
    expect(isRouteTag(tag, 'p-')).toBe(expected)
  })

  // fabio reference 1.2.
  test.each([
    ['p-/', '', '/'],
    [' p-/', '', '/'],
    ['p-/ ', '', '/'],
    ['p- / ', '', '/'],
    ['p-/shop', '', '/shop'],
    ['p- /shop', '', '/shop'],
    ['p-10.2.3.4:7000', '10.2.3.4:7000', '/'],
    ['p-shop/cart/items', 'shop', '/cart/items'],
    ['p-API.Example.NET/V1', 'api.example.net', '/V1'],
    ['p-shop.example', 'shop.example', '/'],
    ['p-Shop.example', 'shop.example', '/'],
    ['p-shop/cart one two three', 'shop', '/cart'],
    ['p-$x/$y', '', '/'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the tag's own syntax
    ['p-${a}/${B}', 'qq', '/Rr'],
    ['p-app.$DC.example.com/', 'app.dc1.example.com', '/'],
    ['p-a.com/100$', 'a.com', '/100$'],
    ['p-*.example.com/', '*.example.com', '/'],
    ['p-[2001:db8::1]:80/x', '[2001:db8::1]:80', '/x'],
  ])('%j is the route of host %j and path %j', (tag, host, path) => {
    expect(parseRouteTag(tag, rules).source).toEqual({ host, path })
  })

  test('splits host and options at the first space, options at any white space', () => {
    const { options, optionText } = parseRouteTag('p-/a strip=/a\tprepend=/b  host=dst', rules)
    expect(options).toEqual({ strip: '/a', prepend: '/b', host: 'dst' })
    expect(optionText).toBe('strip=/a prepend=/b host=dst')
  })

  test.each([
    ['p-/ weight=0.25', 0.25],
    ['p-/ weight=2', 2],
    ['p-/ weight=1e-2', 0.01],
    ['p-/ weight=-1', 0],
    ['p-/ weight=0.1 weight=0.2', 0.2],
  ])('%j asks for the weight %d', (tag, weight) => {
    expect(parseRouteTag(tag, rules).weight).toBe(weight)
  })

  test.each(['half', '', 'inf', 'nan', '0x1', '1e999'])(
    'a weight of %j is dropped with its reason and the route stays',
    (weight) => {
      const tag = parseRouteTag(`p-/ weight=${weight}`, rules)
      expect(tag.weight).toBe(0)
      expect(tag.dropped).toEqual([`option "weight=${weight}": expected a number like 0.2, got "${weight}"`])
    },
  )

  test('an option that nobody knows is kept to be seen', () => {
    expect(parseRouteTag('p-/ team=blue', rules).optionText).toBe('team=blue')
  })

  test.each([
    ['p-', 'expected a host or a path'],
    ['p- ', 'expected a host or a path'],
    ['p-:3306 proto=tcp', 'TCP routes are not served'],
    ['p-/ proto=tcp', 'tcp routes are not served'],
    ['p-[x.com/', 'expected a host pattern'],
    ['p-/ redirect=301,https://x/', 'redirects are not served'],
    ['p-/ allow=ip:10.0.0.0/8', 'not opened without them'],
    ['p-/ deny=ip:10.0.0.0/8', 'not opened without them'],
    ['p-/ auth=basic', 'not opened without it'],
    ['p-/a\u00a0b', 'without white space'],
  ])('%j is refused: %s', (tag, words) => {
    expect(() => parseRouteTag(tag, rules)).toThrow(words)
    expect(() => parseRouteTag(tag, rules)).toThrow(TagError)
  })
})

const instance = {
  service: 'web',
  instance: 'n1/web-1',
  address: '10.0.0.1',
  port: 8080,
  tags: ['p-/'],
  healthy: true,
}

describe('the definitions of an instance', () => {
  test.each([
    ['10.0.0.1', 'p-/', 'http://10.0.0.1:8080/'],
    ['2001:db8::1', 'p-/', 'http://[2001:db8::1]:8080/'],
    ['[2001:db8::1]', 'p-/', 'http://[2001:db8::1]:8080/'],
    ['web.example', 'p-/ proto=https', 'https://web.example:8080/'],
  ])('at the address %s with the tag %j go to %s', (address, tag, url) => {
    const { definitions } = definitionsOf({ ...instance, address, tags: [tag] }, rules)
    expect(definitions.map((definition) => definition.url)).toEqual([url])
  })

  test('are one for each route tag, and carry the other tags trimmed and in order', () => {
    const tags = [' v2 ', 'p-/a', 'p-b.com/ weight=0.5', 'canary']
    const { definitions, problems } = definitionsOf({ ...instance, tags }, rules)
    expect(definitions.map(({ source, weight }) => [source.host, source.path, weight])).toEqual([
      ['', '/a', 0],
      ['b.com', '/', 0.5],
    ])
    expect(definitions[0]!.tags).toEqual(['v2', 'canary'])
    expect(problems).toEqual([])
  })

  test('a bad tag costs only itself, and is named with service, instance, text and reason', () => {
    const { definitions, problems } = definitionsOf({ ...instance, tags: ['p-', 'p-/good'] }, rules)
    expect(definitions.map(({ source }) => source.path)).toEqual(['/good'])
    expect(problems).toEqual([
      {
        service: 'web',
        instance: 'n1/web-1',
        text: 'p-',
        reason: 'expected a host or a path after the prefix, got nothing',
      },
    ])
  })

  test.each([
    ['10.0.0.1', 0],
    ['10.0.0.1', -1],
    ['10.0.0.1', 65_536],
    ['', 80],
    ['user:pw@evil', 80],
    ['bad host', 80],
  ])('an instance at %j port %d makes none and is reported', (address, port) => {
    const { definitions, problems } = definitionsOf({ ...instance, address, port }, rules)
    expect(definitions).toEqual([])
    expect(problems.map(({ reason }) => reason).join()).toContain('to have an address and a port')
  })

  test('no tag, address or port throws, and each route tag ends as a definition or a problem', () => {
    const tag = fc
      .oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'/.:*?[]{}=, $ap') }))
      .map((t) => `p-${t}`)
    fc.assert(
      fc.property(tag, fc.string(), fc.integer(), (text, address, port) => {
        const { definitions, problems } = definitionsOf({ ...instance, tags: [text], address, port }, rules)
        expect(definitions.length === 1 || problems.length === 1).toBe(true)
        for (const { source } of definitions) expect(source.path).toMatch(/^\//)
      }),
    )
  })
})
