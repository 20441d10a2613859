import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RouteMistake } from '../../src/route/mistake.ts'
import { isGuarded } from '../../src/route/options.ts'
import { definitionsOf, isRouteTag, parseRouteTag, type TagRules } from '../../src/route/tag.ts'

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
    ['p-:3306 proto=tcp', ':3306', ''],
    ['p-127.0.0.1:1234 proto=tcp', '127.0.0.1:1234', '/'],
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
    ['p-: proto=tcp', 'expected a port from 1 to 65535 after ":", got ":"'],
    ['p-:0 proto=tcp', 'expected a port from 1 to 65535 after ":", got ":0"'],
    ['p-:65536 proto=tcp', 'expected a port'],
    ['p-:80/foo', 'expected a port'],
    ['p-[x.com/', 'expected a host pattern'],
    ['p-\\:80/', 'expected a host pattern'],
    ['p-$slash/x', 'expected a host before the first "/"'],
    ['p-/ redirect=301', 'option "redirect=301": expected a status and a URL like redirect=301,https://'],
    ['p-/ redirect=301,', 'expected a status and a URL'],
    ['p-/ redirect=200,https://x/', 'expected a status from 300 to 399, got "200"'],
    ['p-/ redirect=abc,https://x/', 'expected a status from 300 to 399, got "abc"'],
    ['p-/a\u00a0b', 'without white space'],
  ])('%j is refused: %s', (tag, words) => {
    const withSlash = { ...rules, variables: { ...rules.variables, slash: 'a/b' } }
    expect(() => parseRouteTag(tag, withSlash)).toThrow(words)
    expect(() => parseRouteTag(tag, withSlash)).toThrow(RouteMistake)
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
    ['web.example', 'p-/ proto=https', 'https://web.example:8080'],
    ['10.0.0.1', 'p-:3306 proto=tcp', 'tcp://10.0.0.1:8080'],
    ['2001:db8::1', 'p-foo.com/ proto=tcp', 'tcp://[2001:db8::1]:8080'],
    ['10.0.0.1', 'p-/pkg.Service proto=grpc', 'grpc://10.0.0.1:8080'],
    ['10.0.0.1', 'p-/pkg.Service proto=grpcs', 'grpcs://10.0.0.1:8080'],
    ['10.0.0.1', 'p-/ proto=fcgi', 'http://10.0.0.1:8080/'],
    ['10.0.0.1', 'p-/ redirect=301,https://new.test/a,b$path', 'https://new.test/a,b$path'],
    ['10.0.0.1', 'p-/ proto=https redirect=301,https://new.test/', 'https://new.test/'],
    ['10.0.0.1', 'p-/ redirect=301,https://new.test/ proto=https', 'https://10.0.0.1:8080'],
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

  test.each([
    ['p-/ redirect=301,https://new.test/$path', { redirect: { code: 301, url: 'https://new.test/$path' } }],
    ['p-/ redirect=308,/new', { redirect: { code: 308, url: '/new' } }],
    ['p-*:80/ redirect=301,https://$host$path', { redirect: { code: 301, url: 'https://$host$path' } }],
    ['p-/ timeout=1m30s', { timeout: 90_000 }],
    ['p-/ connecttimeout=250ms headertimeout=5s', { connectTimeout: 250, headTimeout: 5000 }],
    ['p-/ idletimeout=0 maxbody=1048576 retry=0', { idleTimeout: 0, maxBody: 1_048_576, retry: 0 }],
  ])('of %j have typed options', (tag, options) => {
    const { definitions, problems } = definitionsOf({ ...instance, tags: [tag] }, rules)
    expect(definitions).toMatchObject([{ options, unserved: null }])
    expect(problems).toEqual([])
  })

  test.each(['timeout=5', 'timeout=-1s', 'maxbody=1e3', 'maxbody=-1', 'retry=11', 'idletimeout='])(
    'are served without %s, which is reported',
    (option) => {
      const { definitions, problems } = definitionsOf({ ...instance, tags: [`p-/ ${option}`] }, rules)
      expect(definitions).toMatchObject([{ options: {}, unserved: null }])
      expect(problems.map(({ reason }) => reason).join()).toContain(`option "${option}": expected`)
    },
  )

  test.each([
    ['p-:3306 proto=tcp pxyproto=true', { pxyProto: true }],
    ['p-/pkg.Service proto=grpcs grpcservername=x', { grpcServerName: 'x' }],
  ])('of %j are kept with typed options and not served', (tag, options) => {
    const { definitions, problems } = definitionsOf({ ...instance, tags: [tag] }, rules)
    expect(definitions[0]!.options).toEqual(options)
    expect(definitions[0]!.unserved).toMatch(/not served by this version/)
    expect(problems.map(({ text, reason }) => [text, reason])).toEqual([[tag, definitions[0]!.unserved]])
  })

  test('keep what a redirect consumed out of the option text, as fabio does', () => {
    const tags = ['p-/ strip=/a redirect=301,https://new.test/ proto=https weight=0.5 team=blue']
    expect(definitionsOf({ ...instance, tags }, rules).definitions[0]).toMatchObject({
      optionText: 'strip=/a redirect=301 team=blue',
      weight: 0.5,
    })
  })

  test.each([
    ['p-/ allow=ip:10.0.0.0/8', { allow: [{ family: 'ipv4', address: '10.0.0.0', bits: 8 }] }],
    ['p-/ deny=ip:fe80::1', { deny: [{ family: 'ipv6', address: 'fe80::1', bits: 128 }] }],
    ['p-/ auth=staff', { auth: 'staff' }],
  ])('of %j say who may use the route', (tag, options) => {
    const { definitions, problems } = definitionsOf({ ...instance, tags: [tag] }, rules)
    expect(definitions).toMatchObject([{ options, unserved: null }])
    expect(problems).toEqual([])
  })

  test.each([
    ['allow=ip:10/8', 'option "allow=ip:10/8": expected an item like ip:10.0.0.0/8'],
    ['deny=net:10.0.0.0/8', 'option "deny=net:10.0.0.0/8": expected an item like'],
    ['allow=', 'option "allow=": expected an item like'],
    ['auth', 'option "auth": expected a name, got ""'],
    ['allow=ip:10.0.0.1 deny=ip:10.0.0.2', 'options allow and deny: expected one of them, got both'],
  ])('with the mistake %j are closed to everybody', (options, words) => {
    const tags = [`p-/ ${options}`]
    const { definitions, problems } = definitionsOf({ ...instance, tags }, rules)
    expect(definitions[0]!.options.allow).toEqual([])
    expect(definitions[0]!.options.deny).toBeUndefined()
    expect(definitions[0]!.unserved).toContain(words)
    expect(problems).toHaveLength(1)
    expect(problems[0]!.reason).toMatch(/; the route is closed$/)
  })

  test.each([
    ['p-/ redirect=301,new.test', 'route: invalid target. expected a URL like https://example.com/$path'],
    ['p-/foo[ matcher=glob', 'matcher glob: expected a pattern, got "/foo[": "[" without "]"'],
  ])('are none for %j: %s', (tag, words) => {
    const { definitions, problems } = definitionsOf({ ...instance, tags: [tag] }, rules)
    expect(definitions).toEqual([])
    expect(problems.map(({ reason }) => reason).join()).toContain(words)
  })

  test('a path that is no glob is fine for every other matcher', () => {
    const tags = ['p-/foo[', 'p-/bar[ matcher=segment']
    const { definitions, problems } = definitionsOf({ ...instance, tags }, rules)
    expect(definitions.map(({ source }) => source.path)).toEqual(['/foo[', '/bar['])
    expect(problems).toEqual([])
  })

  test('lose an option that only decorates, and are served without it', () => {
    const tags = ['p-/ strip=/a matcher=regex weight=half']
    const { definitions, problems } = definitionsOf({ ...instance, tags }, rules)
    expect(definitions[0]).toMatchObject({ unserved: null, options: { strip: '/a' }, weight: 0 })
    expect(problems.map(({ reason }) => reason)).toEqual([
      'option "weight=half": expected a number like 0.2, got "half"; the route is served without it',
      'option "matcher=regex": expected prefix, iprefix, glob or segment, got "regex"; the route is served without it',
    ])
  })

  const anyTag = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'/.:*?[]{}=, $ap3') }),
    fc
      .array(
        fc.oneof(
          fc.constantFrom('/', 'a.com/x', ':80', 'a.com'),
          fc
            .tuple(
              fc.constantFrom(
                'weight',
                'proto',
                'redirect',
                'allow',
                'deny',
                'auth',
                'strip',
                'host',
                'matcher',
                'register',
                'x',
                '__proto__',
                'constructor',
              ),
              fc.constantFrom(
                '',
                '0.5',
                'tcp',
                'grpc',
                '301,https://x/',
                'ip:10.0.0.0/8',
                'glob',
                '/a',
                'true',
              ),
            )
            .map((pair) => pair.join('=')),
        ),
      )
      .map((words) => words.join(' ')),
  )

  test('no tag, address or port throws, and each route tag ends as a definition or a problem', () => {
    fc.assert(
      fc.property(anyTag, fc.string(), fc.integer(), (text, address, port) => {
        const tags = [`p-${text}`]
        const { definitions, problems } = definitionsOf({ ...instance, tags, address, port }, rules)
        expect(definitions.length + problems.length).toBeGreaterThan(0)
        expect(definitions.length).toBeLessThanOrEqual(1)
        for (const { source } of definitions) expect(source.path).toMatch(/^\/|^$/)
        for (const { reason } of problems) expect(reason).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })

  test('no tag costs another its route', () => {
    fc.assert(
      fc.property(anyTag, anyTag, (before, after) => {
        const tags = [`p-${before}`, 'p-good.com/x', `p-${after}`]
        const { definitions } = definitionsOf({ ...instance, tags }, rules)
        expect(definitions).toContainEqual(
          expect.objectContaining({ source: { host: 'good.com', path: '/x' }, unserved: null }),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('a route with a rule on who may use it is never served without it', () => {
    fc.assert(
      fc.property(anyTag, fc.constantFrom('allow', 'deny', 'auth'), fc.string(), (text, guard, value) => {
        const tags = [`p-/ ${text} ${guard}=${value.replaceAll(/\s/g, '')}`]
        for (const { unserved, options } of definitionsOf({ ...instance, tags }, rules).definitions) {
          if (unserved === null) expect(options[guard]).not.toBeUndefined()
          else expect(isGuarded(options)).toBe(true)
        }
      }),
    )
  })
})
