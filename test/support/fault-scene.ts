import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { expect, test } from 'vitest'
import type { RegistryView } from '../../src/admin/view.ts'
import { systemWorld } from '../../src/base/world.ts'
import { type FaultyRegistry, startFaultyRegistry } from '../../src/registry/embedded/faults.ts'
import { type ConsulAgent, startConsul } from './consul.ts'
import { startTestGateway, type TestGateway } from './gateway.ts'
import { type Origin, startOrigin } from './origin.ts'
import { waitFor } from './wait.ts'

/** Services of a scene, each with one instance. */
export const names = ['one', 'two', 'three']
/** What a manual override routes. */
const overridden = 'manual'

const served = [...names, overridden]

/** How services are followed: a query for each, or a few for all. */
export const followings = [
  ['a query for each service', []],
  ['a few queries for all services', ['-registry.consul.maxwatches', '2']],
] as const satisfies readonly (readonly [string, readonly string[]])[]

/** A gateway that serves three services of a registry, and what happens to it while somebody asks all the time. */
export class Scene {
  readonly url: string
  readonly gateway: TestGateway
  readonly origin: Origin

  constructor(url: string, gateway: TestGateway, origin: Origin) {
    this.url = url
    this.gateway = gateway
    this.origin = origin
  }

  get registry(): RegistryView {
    return this.gateway.gateway.control.table().registry
  }

  async register(name: string, origin = this.origin): Promise<void> {
    await put(`${this.url}/v1/agent/service/register`, {
      ID: name,
      Name: name,
      Address: '127.0.0.1',
      Port: origin.port,
      Tags: [`urlprefix-/${name}`],
      Check: { TTL: '600s', Status: 'passing' },
    })
  }

  /** All that is served at first: the services and the override. */
  async registerAll(): Promise<void> {
    for (const name of names) await this.register(name)
    const answer = await request(`${this.url}/v1/kv/fabio/config/team-a`, {
      method: 'PUT',
      body: `route add ${overridden} /${overridden} ${this.origin.url}`,
    })
    expect([answer.statusCode, await answer.body.json()]).toEqual([200, true])
  }

  async statusOf(name: string): Promise<number> {
    const answer = await request(`${this.gateway.url}/${name}`)
    await answer.body.dump()
    return answer.statusCode
  }

  async answerOf(name: string): Promise<string> {
    return (await request(`${this.gateway.url}/${name}`)).body.text()
  }

  async allServe(): Promise<boolean> {
    for (const name of served) if ((await this.statusOf(name)) !== 200) return false
    return true
  }

  /** Asks for every service all the time while something happens; no answer may be anything but 200. */
  async losesNothingWhile(happens: () => Promise<unknown>): Promise<void> {
    const failures: string[] = []
    let isOver = false
    const asking = (async () => {
      for (let n = 0; !isOver; n++) {
        const name = served[n % served.length]!
        const status = await this.statusOf(name)
        if (status !== 200) failures.push(`${name}: ${status}`)
        await pause(2)
      }
    })()
    try {
      await happens()
    } finally {
      isOver = true
      await asking
    }
    expect(failures).toEqual([])
  }

  /**
   * A change is still seen: a new service is served, and gone when it is withdrawn.
   *
   * @param deadline milliseconds for each
   */
  async expectToFollow(deadline = 5_000): Promise<void> {
    await this.register('late')
    await waitFor(async () => (await this.statusOf('late')) === 200, { what: 'a new service', deadline })
    await put(`${this.url}/v1/agent/service/deregister/late`)
    await waitFor(async () => (await this.statusOf('late')) === 404, { what: 'it to be gone', deadline })
    expect(await this.allServe()).toBe(true)
  }

  logged(code: string): string[] {
    return this.gateway.log.filter((line) => line.includes(`(${code})`))
  }
}

/** `body` undefined: none. */
export async function put(url: string, body?: unknown): Promise<void> {
  const answer = await request(url, { method: 'PUT', body: body === undefined ? '' : JSON.stringify(body) })
  expect([url, answer.statusCode, await answer.body.text()]).toEqual([url, 200, expect.anything()])
}

interface Fixtures {
  /** Starts a scene on a registry that misbehaves when told to. */
  onFaulty(flags?: readonly string[]): Promise<Scene & { readonly faulty: FaultyRegistry }>
  /** Starts a scene on a real Consul. */
  onConsul(flags?: readonly string[]): Promise<Scene & { readonly consul: ConsulAgent }>
  /** Starts another upstream, which says this. */
  startOther(says: string): Promise<Origin>
}

/** Tests whose scenes end with them, in the order in which they began. */
export const faultTest = test.extend<{ started: (() => unknown)[] } & Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  started: async ({}, use) => {
    const ends: (() => unknown)[] = []
    await use(ends)
    for (const end of ends.reverse()) await end()
  },
  onFaulty: async ({ started }, use) => {
    await use(async (flags = []) => {
      const faulty = await startFaultyRegistry({ port: 0, world: systemWorld })
      started.push(() => faulty.close())
      const scene = await startScene(faulty.url, flags, started)
      // Else a wake would find no query that it could wake.
      const isBlocked = (path: string): boolean => faulty.faults.pending(path) > 0
      const paths = ['/v1/catalog', '/v1/health', '/v1/kv/fabio/config', '/v1/kv/fabio/noroute']
      await waitFor(() => paths.every(isBlocked), { what: 'the queries to block' })
      // The thread that looks at all checks takes a moment to start.
      const hasLooked = (): boolean => faulty.faults.seen('/v1/health/state/any').length > 0
      if (flags.length > 0) await waitFor(hasLooked, { what: 'the first look at all checks' })
      return Object.assign(scene, { faulty })
    })
  },
  onConsul: async ({ started }, use) => {
    await use(async (flags = []) => {
      const consul = await startConsul()
      started.push(() => consul.stop())
      return Object.assign(await startScene(consul.url, flags, started), { consul })
    })
  },
  startOther: async ({ started }, use) => {
    await use(async (says) => {
      const origin = await startOrigin((_message, response) => response.end(says))
      started.push(() => origin.close())
      return origin
    })
  },
})

async function startScene(url: string, flags: readonly string[], started: (() => unknown)[]): Promise<Scene> {
  const origin = await startOrigin((message, response) => response.end(`served ${message.url}`))
  started.push(() => origin.close())
  const gateway = await startTestGateway(url, flags)
  started.push(() => gateway.stop())
  const scene = new Scene(url, gateway, origin)
  await scene.registerAll()
  await waitFor(() => scene.allServe(), { what: 'all services to be served' })
  return scene
}
