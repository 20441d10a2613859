import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

/** A registry with Consul's API for the walk-through to be taken on. */
export interface WalkthroughRegistry {
  readonly url: string
  stop(): Promise<void>
}

/** A service whose health check can be told to fail. */
class Hello {
  readonly origin: Origin
  readonly name: string
  readonly id: string
  readonly registered: string
  isHealthy = true
  /** When it last answered something other than its health check; monotonic ms. */
  lastAskedAt = 0

  private constructor(name: string, origin: Origin, id: string, registered: string) {
    this.name = name
    this.origin = origin
    this.id = id
    this.registered = registered
  }

  static async start(name: string, registered: string, host = '127.0.0.1'): Promise<Hello> {
    let hello: Hello | null = null
    const origin = await startOrigin((message, response) => {
      if (message.url === '/foo/healthcheck') {
        response.writeHead(hello?.isHealthy ? 200 : 500).end()
        return
      }
      if (hello !== null) hello.lastAskedAt = performance.now()
      response.end(`${name} ${message.url}`)
    }, host)
    hello = new Hello(name, origin, `afa2769cd049:${name}:${origin.port}`, registered)
    return hello
  }

  /** As Registrator does it: its words, and nothing else. */
  async register(
    tags: string[],
    more: { address?: string; interval?: string; name?: string } = {},
  ): Promise<void> {
    const { address = '127.0.0.1', interval = '1s', name = 'hello' } = more
    const host = address.includes(':') ? `[${address}]` : address
    await this.#put('/v1/agent/service/register', {
      ID: this.id,
      Name: name,
      Address: address,
      Port: this.origin.port,
      Tags: tags,
      Check: {
        HTTP: `http://${host}:${this.origin.port}/foo/healthcheck`,
        Interval: interval,
        Timeout: '5s',
      },
    })
  }

  async deregister(): Promise<void> {
    await this.#put(`/v1/agent/service/deregister/${this.id}`)
  }

  async maintenance(enable: boolean): Promise<void> {
    await this.#put(`/v1/agent/service/maintenance/${this.id}?enable=${enable}&reason=test`)
  }

  async #put(path: string, body: unknown = null): Promise<void> {
    const answer = await request(this.registered + path, {
      method: 'PUT',
      body: body === null ? '' : JSON.stringify(body),
    })
    expect([path, answer.statusCode, await answer.body.text()]).toEqual([path, 200, expect.any(String)])
  }
}

/**
 * What the people who will use the gateway do on their first day, and what they see. One suite for every registry
 * that speaks Consul's API.
 */
export function walkthrough(name: string, start: () => Promise<WalkthroughRegistry>): void {
  describe(`with ${name}`, { timeout: 40_000 }, () => {
    let registry: WalkthroughRegistry
    let gateway: TestGateway
    let hellos: Hello[] = []

    beforeAll(async () => {
      registry = await start()
      gateway = await startTestGateway(registry.url)
    }, 40_000)

    afterAll(async () => {
      await gateway?.stop()
      for (const hello of hellos) await hello.origin.close()
      await registry?.stop()
    })

    async function hello(hostName: string, host?: string): Promise<Hello> {
      const started = await Hello.start(hostName, registry.url, host)
      hellos = [...hellos, started]
      return started
    }

    /** `200 one /foo`, or the status alone where nobody of ours answered. */
    async function ask(path: string, host = 'localhost'): Promise<string> {
      const answer = await request(gateway.url + path, { headers: { host } })
      const text = await answer.body.text()
      return answer.statusCode === 200 ? `200 ${text}` : String(answer.statusCode)
    }

    const until = (what: string, condition: () => boolean | Promise<boolean>, deadline = 20_000) =>
      waitFor(condition, { what, deadline })

    /** Which of the services answer `count` requests. */
    async function whoAnswers(path: string, count: number, host?: string): Promise<Record<string, number>> {
      const counts: Record<string, number> = {}
      for (let i = 0; i < count; i++) {
        const who = (await ask(path, host)).split(' ')[1] ?? 'nobody'
        counts[who] = (counts[who] ?? 0) + 1
      }
      return counts
    }

    /** 503 from nobody does not count as somebody. */
    const untilBothAnswer = (path: string) =>
      until('both to be served', async () => {
        const counts = await whoAnswers(path, 4)
        return counts.nobody === undefined && Object.keys(counts).length === 2
      })

    test('a service registered as Registrator does it is reached at its prefix, and at nothing else', async () => {
      const one = await hello('loving_shannon')
      await one.register(['urlprefix-/foo', 'hello'], { interval: '10s' })
      await until('/foo to be served', async () => (await ask('/foo')) === '200 loving_shannon /foo')
      expect(await ask('/foo/bar')).toBe('200 loving_shannon /foo/bar')
      expect(await ask('/footest')).toBe('200 loving_shannon /footest')
      expect(await ask('/bar')).toBe('404')
      expect(await ask('/')).toBe('404')
      await one.deregister()
      await until('/foo to be gone', async () => (await ask('/foo')) === '404')
    })

    test('a tag with a host answers for that host, in whatever case, and for no other', async () => {
      const one = await hello('hosted')
      await one.register(['urlprefix-mysite.com/foo'])
      await until(
        'the host to be served',
        async () => (await ask('/foo', 'mysite.com')) === '200 hosted /foo',
      )
      expect(await ask('/foo/x', 'MySite.COM')).toBe('200 hosted /foo/x')
      expect(await ask('/foo', 'mysite.com:80')).toBe('200 hosted /foo')
      expect(await ask('/foo', 'other.com')).toBe('404')
      expect(await ask('/foo', 'www.mysite.com')).toBe('404')
      expect(await ask('/bar', 'mysite.com')).toBe('404')
      await one.deregister()
    })

    test('a second instance shares the load, in equal parts, and a weight changes the parts', async () => {
      const one = await hello('even')
      const two = await hello('odd')
      await one.register(['urlprefix-/shared'])
      await two.register(['urlprefix-/shared'])
      await untilBothAnswer('/shared')
      expect(await whoAnswers('/shared', 100)).toEqual({ even: 50, odd: 50 })
      await two.register(['urlprefix-/shared weight=0.2'])
      await until('the weight to count', async () => (await whoAnswers('/shared', 10)).odd === 2)
      expect(await whoAnswers('/shared', 100)).toEqual({ even: 80, odd: 20 })
      await one.deregister()
      await two.deregister()
    })

    test('traffic stops within 300 ms of Consul knowing that a check is critical, and comes back after', async () => {
      const well = await hello('well')
      const ill = await hello('ill')
      await well.register(['urlprefix-/health'])
      await ill.register(['urlprefix-/health'])
      await untilBothAnswer('/health')

      let isAsking = true
      const failures: string[] = []
      const asking = (async () => {
        while (isAsking) {
          const answer = await ask('/health')
          if (!answer.startsWith('200')) failures.push(answer)
        }
      })()
      ill.isHealthy = false
      await until('Consul to know', async () => {
        const answer = await request(`${registry.url}/v1/health/service/hello`)
        const entries = (await answer.body.json()) as {
          Service: { ID: string }
          Checks: { Status: string }[]
        }[]
        const entry = entries.find(({ Service }) => Service.ID === ill.id)
        return entry?.Checks.some(({ Status }) => Status === 'critical') === true
      })
      const knownAt = performance.now()
      await until(
        'traffic to have stopped',
        () => performance.now() - Math.max(knownAt, ill.lastAskedAt) > 500,
      )
      expect(ill.lastAskedAt - knownAt).toBeLessThan(300)

      ill.isHealthy = true
      await until('traffic to come back', () => performance.now() - ill.lastAskedAt < 100)
      isAsking = false
      await asking
      expect(failures).toEqual([])
      await well.deregister()
      await ill.deregister()
    })

    test('a route whose only instance is ill answers 503, and is served again once it is well', async () => {
      const only = await hello('only')
      await only.register(['urlprefix-/only'])
      await until('it to be served', async () => (await ask('/only')).startsWith('200'))
      only.isHealthy = false
      await until('503', async () => (await ask('/only')) === '503')
      only.isHealthy = true
      await until('it to be served again', async () => (await ask('/only')).startsWith('200'))
      await only.deregister()
    })

    test('an instance in maintenance gets nothing until it ends', async () => {
      const one = await hello('stays')
      const two = await hello('rests')
      await one.register(['urlprefix-/care'])
      await two.register(['urlprefix-/care'])
      await untilBothAnswer('/care')
      await two.maintenance(true)
      await until('one alone', async () => (await whoAnswers('/care', 10)).stays === 10)
      await two.maintenance(false)
      await until('both again', async () => (await whoAnswers('/care', 10)).stays === 5)
      await one.deregister()
      await two.deregister()
    })

    test('instances of the same port on other addresses are told apart, as with container addresses', async () => {
      // Registrator -internal: a fixed port, an address for each container.
      const first = await hello('container-1', '127.0.0.2')
      await first.register(['urlprefix-/internal'], { address: '127.0.0.2' })
      await until('it to be served', async () => (await ask('/internal')) === '200 container-1 /internal')
      expect(first.origin.received.at(-1)!.socket.localAddress).toBe('127.0.0.2')
      await first.deregister()
    })

    test('an instance at an IPv6 address is reached', async () => {
      const six = await hello('six', '::1')
      await six.register(['urlprefix-/six'], { address: '::1' })
      await until('it to be served', async () => (await ask('/six')) === '200 six /six')
      await six.deregister()
    })

    test('a tag that makes no route costs only itself and is reported with service and reason', async () => {
      const one = await hello('careless')
      await one.register(['urlprefix-', 'urlprefix-/fine'], { name: 'careless' })
      await until('the other tag to be served', async () => (await ask('/fine')).startsWith('200'))
      const answer = await request(`${gateway.adminUrl}/api/table`)
      const { problems } = (await answer.body.json()) as { problems: { service: string; reason: string }[] }
      expect(problems).toEqual([
        expect.objectContaining({
          service: 'careless',
          text: 'urlprefix-',
          reason: 'expected a host or a path after the prefix, got nothing',
        }),
      ])
      expect(gateway.log.filter((line) => line.includes('tag-rejected'))).toHaveLength(1)
      await one.deregister()
      await until('it to be forgotten', async () => {
        const later = await request(`${gateway.adminUrl}/api/table`)
        return ((await later.body.json()) as { problems: unknown[] }).problems.length === 0
      })
    })

    test('fabio’s API shows what is served', async () => {
      const one = await hello('listed')
      await one.register(['urlprefix-listed.test/x weight=0.5 strip=/x', 'blue'], { name: 'listed' })
      await until('it to be served', async () => (await ask('/x', 'listed.test')).startsWith('200'))
      const routes = (await (await request(`${gateway.adminUrl}/api/routes`)).body.json()) as {
        service: string
      }[]
      expect(routes.filter(({ service }) => service === 'listed')).toEqual([
        {
          service: 'listed',
          host: 'listed.test',
          path: '/x',
          src: 'listed.test/x',
          dst: one.origin.url,
          opts: 'strip=/x',
          cmd: 'route add',
          tags: ['blue'],
          weight: 1,
          rate1: 0,
          pct99: 0,
        },
      ])
      const raw = await (await request(`${gateway.adminUrl}/api/routes?raw`)).body.text()
      expect(raw).toContain(
        `route add listed listed.test/x ${one.origin.url} weight 0.5000 tags "blue" opts "strip=/x"\n`,
      )
      await one.deregister()
    })
  })
}
