import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Matcher } from '../../src/match/matcher.ts'
import type { RouteDefinition, ServiceRoutes } from '../../src/route/definition.ts'
import { LiveTable } from '../../src/route/live.ts'
import { type RouteTable, TableBuilder, type UnhealthyRoute } from '../../src/route/table.ts'
import type { UpstreamClient } from '../../src/upstream/client.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'
import { exchangeOf } from '../support/exchange.ts'
import { definition, serviceRoutes } from '../support/routes.ts'

/** A client that only knows whether it was closed. */
class IdleClient implements UpstreamClient {
  closed = false
  send(): never {
    throw new Error('nothing is sent in these tests')
  }
  async close(): Promise<void> {
    this.closed = true
  }
  async destroy(): Promise<void> {
    this.closed = true
  }
}

function createLive(
  unhealthyRoute: UnhealthyRoute = '503',
  matcher: Matcher = 'prefix',
  literalHosts = false,
) {
  const clients = new Map<string, IdleClient>()
  const upstreams = new Upstreams(({ origin }) => {
    const client = new IdleClient()
    clients.set(origin, client)
    return client
  })
  const options = {
    matcher,
    literalHosts,
    strategy: 'rr' as const,
    queue: { size: 100, timeout: 5_000 },
    unhealthyRoute,
    random: () => 0,
    compilePlan: () => ({}),
  }
  return { live: new LiveTable(new TableBuilder(options, upstreams)), upstreams, clients }
}

const a = 'http://10.0.0.1:80/'
const b = 'http://10.0.0.2:80/'

const sourceFor = (table: RouteTable, host: string, path: string, secure = false): string | null =>
  table.find(host, path, secure)?.text ?? null

describe('the route table', () => {
  // fabio reference 3.2 and 17.2, but for QUIRK-11: the host of a request is compared whatever its case.
  test('with glob.matching.disabled takes hosts literally', () => {
    const { live } = createLive('503', 'prefix', true)
    const table = live.apply(
      ['*.ex.net/', 'a.net:80/', 'a.net/', '/'].map((source, i) =>
        serviceRoutes(`s${i}`, definition(`s${i}`, source, a)),
      ),
    )
    expect(sourceFor(table, 'x.ex.net', '/')).toBe('/')
    expect(sourceFor(table, '*.ex.net', '/')).toBe('*.ex.net/')
    expect(sourceFor(table, 'A.net', '/p')).toBe('a.net:80/')
    expect(sourceFor(table, 'a.net', '/p', true)).toBe('a.net/')
    expect(
      table
        .explain('x.ex.net', '/', false)
        .filter(({ matched }) => matched)
        .map(({ host }) => host),
    ).toEqual([''])
  })

  // fabio reference 17.2.
  const sources = [
    '/',
    '/x',
    'ex.net/',
    'ex.net/x',
    'ex.net/x/',
    'ex.net/x/y',
    'ex.net/x/y/',
    'w.ex.net/x/',
    '*.ex.net/',
    '*.ex.net/x/',
    '*.dev.ex.net/',
    'old.net:80/',
  ]
  const { live } = createLive()
  live.apply(sources.map((source, i) => serviceRoutes(`s${i}`, definition(`s${i}`, source, a))))

  test.each([
    ['ex.net', false, '/', 'ex.net/'],
    ['ex.net', false, '/q', 'ex.net/'],
    ['ex.net', false, '/x', 'ex.net/x'],
    ['ex.net', false, '/x/', 'ex.net/x/'],
    ['ex.net', false, '/x/y', 'ex.net/x/y'],
    ['ex.net', false, '/x/y/', 'ex.net/x/y/'],
    ['other.net', false, '/q', '/'],
    ['other.net', false, '/x', '/x'],
    ['ex.net:80', false, '/', 'ex.net/'],
    ['ex.net:443', true, '/', 'ex.net/'],
    ['ex.net:443', false, '/', '/'],
    ['ex.net:80', true, '/', '/'],
    ['a.ex.net', false, '/x/', '*.ex.net/x/'],
    ['.ex.net', false, '/x/', '*.ex.net/x/'],
    ['a.b.ex.net', false, '/x/', '*.ex.net/x/'],
    ['a.ex.net:80', false, '/x/', '*.ex.net/x/'],
    ['a.ex.net', false, '/q', '*.ex.net/'],
    ['a.dev.ex.net', false, '/', '*.dev.ex.net/'],
    ['a.dev.ex.net', false, '/x', '*.dev.ex.net/'],
    ['w.ex.net', false, '/x/', 'w.ex.net/x/'],
    ['w.ex.net', false, '/q', '*.ex.net/'],
    ['old.net', false, '/', 'old.net:80/'],
    ['EX.net', false, '/x', 'ex.net/x'],
  ])('a request for %s (TLS %s) %s is served by %s', (host, secure, path, expected) => {
    expect(sourceFor(live.current, host, path, secure)).toBe(expected)
  })

  test('a host without a matching path sends the search on, and nothing at all is null', () => {
    const { live: only } = createLive()
    only.apply([serviceRoutes('s', definition('s', 'a.net/x', a))])
    expect(sourceFor(only.current, 'a.net', '/y')).toBeNull()
    expect(sourceFor(only.current, 'b.net', '/x')).toBeNull()
  })

  test('instances of several services behind one source share it', () => {
    const { live: both } = createLive()
    const table = both.apply([
      serviceRoutes('one', definition('one', '/', a)),
      serviceRoutes('two', definition('two', '/', b)),
    ])
    expect(table.find('', '/', false)!.targets.map(({ service, share }) => [service, share])).toEqual([
      ['one', 0.5],
      ['two', 0.5],
    ])
  })

  test('two instances that share an address are one target: a stale entry must not double its share', () => {
    const { live: shared } = createLive()
    const definitions = ['x', 'y'].map((instance) => definition('s', '/', a, { instance }))
    const table = shared.apply([serviceRoutes('s', ...definitions, definition('s', '/', b))])
    expect(table.find('', '/', false)!.targets.map(({ url, share }) => [url, share])).toEqual([
      [a, 0.5],
      [b, 0.5],
    ])
  })
})

describe('a change', () => {
  test('leaves the table that requests are using as it was', () => {
    const { live } = createLive()
    const before = live.apply([serviceRoutes('s', definition('s', '/', a))])
    live.apply([serviceRoutes('s')])
    expect(sourceFor(before, '', '/')).toBe('/')
    expect(sourceFor(live.current, '', '/')).toBeNull()
  })

  test('builds the routes of its own service and keeps the others as the same objects', () => {
    const { live } = createLive()
    const before = live.apply([
      serviceRoutes('one', definition('one', '/one', a)),
      serviceRoutes('two', definition('two', '/two', a)),
    ])
    const after = live.apply([serviceRoutes('two', definition('two', '/two', b))])
    expect(after.find('', '/one', false)).toBe(before.find('', '/one', false))
    expect(after.find('', '/two', false)).not.toBe(before.find('', '/two', false))
  })

  test('keeps the connections of an address that stays, and closes those of one that nobody names', () => {
    const { live, upstreams, clients } = createLive()
    live.apply([serviceRoutes('s', definition('s', '/', a), definition('s', '/', b))])
    const both = live.current.find('', '/', false)!.targets.map(({ upstream }) => upstream!)
    for (const upstream of both) expect(upstream.client).toBe(clients.get(upstream.key))
    const [kept, left] = both
    live.apply([serviceRoutes('s', definition('s', '/', a), definition('s', '/more', a))])
    expect(live.current.find('', '/', false)!.targets[0]!.upstream).toBe(kept)
    expect(clients.get('http://10.0.0.1:80')!.closed).toBe(false)
    expect(clients.get('http://10.0.0.2:80')!.closed).toBe(true)
    live.apply([serviceRoutes('s')])
    expect(upstreams.size).toBe(0)
    expect(clients.get('http://10.0.0.1:80')!.closed).toBe(true)
    expect(left!.client).toBe(clients.get('http://10.0.0.2:80'))
  })

  test('makes nothing to speak to an address with before a request goes there, and nothing open after it has left', () => {
    const { live, clients } = createLive()
    live.apply([serviceRoutes('s', definition('s', '/', a))])
    const { upstream } = live.current.find('', '/', false)!.targets[0]!
    live.apply([serviceRoutes('s')])
    expect(clients.size).toBe(0)
    // A request that waited for something else while the table changed.
    expect(upstream!.client).toBe(clients.get('http://10.0.0.1:80'))
    expect(clients.get('http://10.0.0.1:80')!.closed).toBe(true)
  })

  test('does not send round-robin back to the first target', () => {
    const { live } = createLive()
    const two = (tags: string[]) =>
      serviceRoutes('s', definition('s', '/', a, { tags }), definition('s', '/', b, { tags }))
    live.apply([two([])])
    const first = live.current.find('', '/', false)!.balancer!.pick(exchangeOf())
    live.apply([two(['new'])])
    expect(live.current.find('', '/', false)!.balancer!.pick(exchangeOf())).not.toBe(first)
  })

  test('TLS settings that differ do not share connections', () => {
    const { live, upstreams } = createLive()
    const url = 'https://10.0.0.1:443/'
    live.apply([
      serviceRoutes(
        's',
        definition('s', '/a proto=https', url),
        definition('s', '/b proto=https host=x.net', url),
        definition('s', '/c proto=https tlsskipverify=true', url),
        definition('s', '/d proto=https host=dst', url),
      ),
    ])
    expect(upstreams.size).toBe(3)
  })

  test('any sequence of changes gives the table that the last state gives at once', () => {
    const services = ['one', 'two', 'three']
    const sources = [
      '/',
      '/a',
      '/a matcher=segment',
      '/A matcher=iprefix',
      '/a matcher=iprefix',
      '/a* matcher=glob',
    ]
      .concat('h.net/', 'h.net/a', '*.net/', '*.net/a', '*.net/* matcher=glob', ':80 proto=tcp')
      .concat('/ab allow=ip:10.0.0.1', '/ab', '/abc redirect=301,https://x.net/')
    const definitions = fc.array(
      fc.tuple(
        fc.constantFrom(...sources),
        fc.constantFrom(a, b),
        fc.boolean(),
        fc.constantFrom('', ' weight=0.3'),
      ),
    )
    const change = fc
      .tuple(fc.constantFrom(...services), definitions)
      .map(([service, list]): ServiceRoutes => {
        const made = list.map(([source, url, healthy, weight]): RouteDefinition => {
          return definition(service, source + weight, url, { healthy })
        })
        return serviceRoutes(service, ...made)
      })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const { live: stepwise, upstreams } = createLive()
        for (const one of changes) stepwise.apply([one])
        const last = new Map(changes.map((one) => [one.service, one]))
        const { live: atOnce, upstreams: fresh } = createLive()
        atOnce.apply([...last.values()])
        expect(describeTable(stepwise.current)).toEqual(describeTable(atOnce.current))
        expect(upstreams.size).toBe(fresh.size)
      }),
    )
  })
})

const describeTable = (table: RouteTable): string[] =>
  [...table.routes()]
    .map(({ text, matcher, targets, unhealthy }) => {
      const shares = targets.map((target) => `${target.service} ${target.url} ${target.share.toFixed(4)}`)
      return `${text} ${matcher}: ${shares.join(', ')} (${unhealthy} unhealthy)`
    })
    .sort()

describe('a route without a healthy instance', () => {
  const known = [
    serviceRoutes('all', definition('all', '/', a)),
    serviceRoutes('s', definition('s', '/x', b, { healthy: false })),
  ]

  test('is still found, and has no target', () => {
    const { live } = createLive('503')
    const route = live.apply(known).find('', '/x', false)!
    expect([route.text, route.targets, route.unhealthy, route.balancer]).toEqual(['/x', [], 1, null])
  })

  test('is not there with proxy.unhealthyroute = fallthrough', () => {
    const { live } = createLive('fallthrough')
    expect(sourceFor(live.apply(known), '', '/x')).toBe('/')
  })

  test('an unhealthy instance takes no share of the healthy ones', () => {
    const { live } = createLive()
    const table = live.apply([
      serviceRoutes(
        's',
        definition('s', '/ weight=0.9', a, { healthy: false }),
        definition('s', '/ weight=0.1', b),
      ),
    ])
    expect(table.find('', '/', false)!.targets.map(({ url, share }) => [url, share])).toEqual([[b, 1]])
  })
})

describe('matchers in one table', () => {
  const textFor = (table: RouteTable, path: string): string | null => {
    const route = table.find('', path, false)
    return route === null ? null : `${route.matcher} ${route.text}`
  }

  test('each route goes by its own matcher, and by the default where it names none', () => {
    const { live } = createLive('503', 'iprefix')
    const table = live.apply([
      serviceRoutes(
        's',
        definition('s', '/foo matcher=segment', a),
        definition('s', '/bar', a),
        definition('s', '/*/img matcher=glob', a),
      ),
    ])
    expect(textFor(table, '/foo/x')).toBe('segment /foo')
    expect(textFor(table, '/footest')).toBeNull()
    expect(textFor(table, '/BAR')).toBe('iprefix /bar')
    expect(textFor(table, '/x/img')).toBe('glob /*/img')
  })

  test('the same source with two matchers is two routes, each with its own targets', () => {
    const { live } = createLive()
    const table = live.apply([
      serviceRoutes('one', definition('one', '/foo', a)),
      serviceRoutes('two', definition('two', '/foo matcher=segment', b)),
    ])
    expect(table.find('', '/footest', false)!.targets.map(({ service }) => service)).toEqual(['one'])
    expect(table.find('', '/foo/x', false)!.targets.map(({ service }) => service)).toEqual(['two'])
    const after = live.apply([serviceRoutes('two')])
    expect(textFor(after, '/foo/x')).toBe('prefix /foo')
  })

  test('the default and its name are the same matcher', () => {
    const { live } = createLive()
    const table = live.apply([
      serviceRoutes('s', definition('s', '/', a), definition('s', '/ matcher=prefix', b)),
    ])
    expect(table.find('', '/', false)!.targets).toHaveLength(2)
  })

  test('a path that is no glob costs only its own route where globs are the default', () => {
    const { live } = createLive('503', 'glob')
    const table = live.apply([
      serviceRoutes('bad', definition('bad', '/foo[', a)),
      serviceRoutes('good', definition('good', '/foo*', b)),
    ])
    expect(textFor(table, '/foo[')).toBe('glob /foo*')
  })
})

describe('a definition that this version does not serve', () => {
  test.each([
    ['/x proto=tcp', 'an SNI route'],
    ['/x proto=grpc', 'a gRPC route'],
    ['/x proto=tcp allow=ip:10.0.0.1', 'an SNI route with rules of its own'],
  ])('%s makes no route, and a wider one answers: %s', (route) => {
    const { live } = createLive()
    const table = live.apply([
      serviceRoutes('wide', definition('wide', '/', a)),
      serviceRoutes('s', definition('s', route, b)),
    ])
    expect(sourceFor(table, '', '/x')).toBe('/')
  })

  test.each(['allow=nonsense', 'deny=', 'auth=', 'allow=ip:10.0.0.1 deny=ip:10.0.0.2', 'auth allow=ip:::/0'])(
    'because of %s keeps its source closed, whatever wider route there is',
    (option) => {
      for (const unhealthyRoute of ['503', 'fallthrough'] as const) {
        for (const healthy of [true, false]) {
          const { live, upstreams } = createLive(unhealthyRoute)
          const table = live.apply([
            serviceRoutes('wide', definition('wide', '/', a)),
            serviceRoutes('s', definition('s', `/admin ${option}`, b, { healthy })),
          ])
          const route = table.find('', '/admin/users', false)!
          const { text, targets, balancer, isClosed } = route
          expect([text, targets, balancer, isClosed]).toEqual(['/admin', [], null, true])
          expect(upstreams.size).toBe(1)
        }
      }
    },
  )

  test('gets nothing, and the others of its source share everything', () => {
    const { live } = createLive()
    const table = live.apply([serviceRoutes('s', definition('s', '/', a), definition('s', '/ auth=', b))])
    const route = table.find('', '/', false)!
    expect(route.targets.map(({ url, share }) => [url, share])).toEqual([[a, 1]])
    expect([route.unhealthy, route.isClosed]).toEqual([1, false])
  })

  test('beside an unhealthy one that is right is waited for, and no wider route answers', () => {
    for (const unhealthyRoute of ['503', 'fallthrough'] as const) {
      const { live } = createLive(unhealthyRoute)
      const table = live.apply([
        serviceRoutes('wide', definition('wide', '/', a)),
        serviceRoutes(
          's',
          definition('s', '/admin auth=', a),
          definition('s', '/admin auth=staff', b, { healthy: false }),
        ),
      ])
      const { text, targets, isClosed } = table.find('', '/admin', false)!
      expect([text, targets, isClosed]).toEqual(['/admin', [], false])
    }
  })

  test('for a TCP port is nothing that a request finds', () => {
    const { live } = createLive()
    const table = live.apply([serviceRoutes('s', definition('s', ':3306 proto=tcp', a))])
    expect([...table.routes()]).toEqual([])
    expect(table.find(':3306', '/', false)).toBeNull()
  })
})
