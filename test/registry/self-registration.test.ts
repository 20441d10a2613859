import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StartError } from '../../src/base/errors.ts'
import type { AgentApi, RegisteredService } from '../../src/registry/consul/agent-api.ts'
import { ConsulError } from '../../src/registry/consul/client.ts'
import {
  SelfRegistration,
  type SelfRegistrationOptions,
} from '../../src/registry/consul/self-registration.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

const defaults: SelfRegistrationOptions = {
  name: 'fabio',
  hostname: 'gate-1',
  host: '10.0.0.5',
  port: 9998,
  localAddress: '192.168.1.7',
  tags: ['edge', 'eu'],
  deregisterAfter: 60_000,
  check: { scheme: 'http', interval: 1_000, timeout: 3_000, skipVerify: false },
}

/** An agent in memory: it knows its services, and fails or hangs when told to. */
class FakeAgent implements AgentApi {
  readonly services = new Map<string, RegisteredService>()
  readonly passed = new Set<string>()
  /** `register fabio-gate-1-9998`, in order. */
  calls: string[] = []
  failure: ConsulError | null = null
  /** What an unknown check or service is answered with. */
  unknown = 500
  /** Calls that begin so wait for `release`. */
  hanging = ''
  release: () => void = () => {}
  isClosed = false

  async register(service: RegisteredService): Promise<void> {
    await this.#call(`register ${service.id}`)
    this.services.set(service.id, service)
  }

  async pass(checkId: string): Promise<void> {
    await this.#call(`pass ${checkId}`)
    if (!this.services.has(checkId.replace(/-ttl$/, ''))) {
      throw new ConsulError(this.unknown, `${checkId}: unknown check`)
    }
    this.passed.add(checkId)
  }

  async deregister(serviceId: string): Promise<void> {
    await this.#call(`deregister ${serviceId}`)
    if (!this.services.delete(serviceId) && this.unknown === 404) {
      throw new ConsulError(404, `${serviceId}: unknown service`)
    }
  }

  close(): void {
    this.isClosed = true
  }

  forget(): void {
    this.services.clear()
    this.passed.clear()
    this.calls = []
  }

  get names(): string[] {
    return [...this.services.values()].map(({ name }) => name).sort()
  }

  async #call(what: string): Promise<void> {
    this.calls.push(what)
    if (this.hanging !== '' && what.startsWith(this.hanging)) {
      await new Promise<void>((resolve) => {
        this.release = resolve
      })
    }
    if (this.failure !== null) throw this.failure
  }
}

function setUp(over: Partial<SelfRegistrationOptions> = {}) {
  const agent = new FakeAgent()
  const clock = new FakeClock()
  const log = new CapturedLog()
  const registration = new SelfRegistration({ ...defaults, ...over }, agent, clock, log)
  return { agent, clock, log, registration }
}

async function started(over: Partial<SelfRegistrationOptions> = {}) {
  const all = setUp(over)
  await all.registration.start()
  return all
}

const refused = new ConsulError(0, 'http://localhost:8500: connect ECONNREFUSED')
const id = 'fabio-gate-1-9998'

describe('what is registered', () => {
  test('is the name with two checks, and it is passing at once', async () => {
    const { agent, log } = await started()
    expect(agent.services.get(id)).toEqual({
      name: 'fabio',
      id,
      address: '10.0.0.5',
      port: 9998,
      tags: ['edge', 'eu'],
      ttl: { checkId: `${id}-ttl`, ttl: 15_000, deregisterAfter: 60_000 },
      http: { url: 'http://10.0.0.5:9998/health', interval: 1_000, timeout: 3_000, skipVerify: false },
    })
    expect(agent.calls).toEqual([`register ${id}`, `pass ${id}-ttl`])
    expect(log.lines).toEqual([
      `info consul registered: registered [name:"fabio"] in Consul: ${id} at 10.0.0.5, port 9998`,
    ])
  })

  test.each<[host: string, localAddress: string | null, address: string, url: string]>([
    ['10.0.0.5', '192.168.1.7', '10.0.0.5', 'http://10.0.0.5:9998/health'],
    ['127.0.0.1', null, '127.0.0.1', 'http://127.0.0.1:9998/health'],
    ['', '192.168.1.7', '192.168.1.7', 'http://192.168.1.7:9998/health'],
    ['0.0.0.0', '192.168.1.7', '192.168.1.7', 'http://192.168.1.7:9998/health'],
    ['::', 'fd00::5', 'fd00::5', 'http://[fd00::5]:9998/health'],
    ['fd00::9', '192.168.1.7', 'fd00::9', 'http://[fd00::9]:9998/health'],
    ['gate.example', '192.168.1.7', 'gate.example', 'http://gate.example:9998/health'],
  ])('has of the host %j on a machine with %j the address %s', async (host, localAddress, address, url) => {
    const { agent } = await started({ host, localAddress })
    const service = agent.services.get(id)!
    expect([service.address, service.http.url]).toEqual([address, url])
  })

  test.each(['', '0.0.0.0', '::'])('needs an address of the machine for the host %j', (host) => {
    expect(() => setUp({ host, localAddress: null })).toThrow(StartError)
    expect(() => setUp({ host, localAddress: null })).toThrow(
      'registry.consul.register.addr: expected a host, or a machine with an address that others can reach, got neither',
    )
  })

  test('is checked over TLS where the admin port has it', async () => {
    const { agent } = await started({ check: { ...defaults.check, scheme: 'https', skipVerify: true } })
    expect(agent.services.get(id)!.http).toMatchObject({
      url: 'https://10.0.0.5:9998/health',
      skipVerify: true,
    })
  })
})

describe('staying registered', () => {
  test('takes one call every ten seconds', async () => {
    const { agent, clock } = await started()
    agent.calls = []
    await clock.advance(9_999)
    expect(agent.calls).toEqual([])
    await clock.advance(1)
    expect(agent.calls).toEqual([`pass ${id}-ttl`])
    await clock.advance(50_000)
    expect(agent.calls).toHaveLength(6)
  })

  test.each([404, 500])(
    'an agent that forgot us and says so with %d is told again within a round',
    async (status) => {
      const { agent, clock, log } = await started()
      agent.unknown = status
      agent.forget()
      await clock.advance(10_000)
      expect(agent.calls).toEqual([`pass ${id}-ttl`, `register ${id}`, `pass ${id}-ttl`])
      expect([agent.names, [...agent.passed]]).toEqual([['fabio'], [`${id}-ttl`]])
      expect(log.lines.at(-1)).toBe(
        `info consul registered: registered [name:"fabio"] in Consul, which had forgotten it: ${id} at 10.0.0.5, port 9998`,
      )
    },
  )

  test('when contact is back it is told at once', async () => {
    const { agent, registration } = await started()
    agent.forget()
    registration.contactBack()
    await settle()
    expect(agent.names).toEqual(['fabio'])
  })

  test.each([0, 403, 429])(
    'a failure with status %d registers nothing anew and is tried again soon',
    async (status) => {
      const { agent, clock } = await started()
      agent.failure = new ConsulError(status, 'no')
      agent.calls = []
      await clock.advance(10_000)
      expect(agent.calls).toEqual([`pass ${id}-ttl`])
      agent.failure = null
      await clock.advance(2_000)
      expect(agent.calls).toEqual([`pass ${id}-ttl`, `pass ${id}-ttl`])
    },
  )

  test('a failure is logged once for each state, and so is the recovery', async () => {
    const { agent, clock, log } = await started()
    agent.failure = refused
    await clock.advance(3_600_000)
    agent.failure = new ConsulError(403, 'Permission denied')
    await clock.advance(3_600_000)
    agent.failure = null
    await clock.advance(60_000)
    expect(log.lines.slice(1)).toEqual([
      `error consul register-failed: cannot register gatehouse [name:"fabio"] in Consul. ${refused.message}`,
      'error consul register-failed: cannot register gatehouse [name:"fabio"] in Consul. Permission denied',
      'info consul register-recovered: kept [name:"fabio"] in Consul again',
    ])
  })

  test('a start without Consul resolves, and goes on trying', async () => {
    const { agent, clock, log, registration } = setUp()
    agent.failure = refused
    await registration.start()
    expect(log.lines).toEqual([
      `error consul register-failed: cannot register gatehouse [name:"fabio"] in Consul. ${refused.message}`,
    ])
    agent.failure = null
    await clock.advance(2_000)
    expect(agent.names).toEqual(['fabio'])
  })

  test('a slow answer does not put off the next sign of life', async () => {
    const { agent, clock } = await started()
    agent.calls = []
    agent.hanging = 'pass'
    await clock.advance(14_000)
    agent.hanging = ''
    agent.release()
    await clock.advance(5_999)
    expect(agent.calls).toHaveLength(1)
    await clock.advance(1)
    expect(agent.calls).toHaveLength(2)
  })

  test('rounds never overlap', async () => {
    const { agent, clock, registration } = await started()
    agent.calls = []
    agent.hanging = 'pass'
    registration.contactBack()
    registration.contactBack()
    registration.contactBack()
    await clock.advance(30_000)
    expect(agent.calls).toHaveLength(1)
    agent.hanging = ''
    agent.release()
    await settle()
    expect(agent.calls).toHaveLength(2)
  })
})

describe('aliases', () => {
  test('are registered beside the name, and only the difference is told', async () => {
    const { agent, registration, log } = await started()
    registration.setAliases(['a', 'b'])
    await settle()
    expect(agent.names).toEqual(['a', 'b', 'fabio'])
    expect(agent.services.get('a-gate-1-9998')).toMatchObject({
      name: 'a',
      address: '10.0.0.5',
      port: 9998,
      tags: ['edge', 'eu'],
      ttl: { checkId: 'a-gate-1-9998-ttl' },
      http: { url: 'http://10.0.0.5:9998/health' },
    })
    agent.calls = []
    registration.setAliases(['b', 'c'])
    await settle()
    expect(agent.names).toEqual(['b', 'c', 'fabio'])
    expect(agent.calls.filter((call) => !call.startsWith('pass'))).toEqual([
      'deregister a-gate-1-9998',
      'register c-gate-1-9998',
    ])
    expect(log.of('deregistered')).toEqual(['info consul deregistered: deregistered [name:"a"] in Consul'])
  })

  test('that are the same as before cost no call', async () => {
    const { agent, registration } = await started()
    registration.setAliases(['a', 'b'])
    await settle()
    agent.calls = []
    registration.setAliases(['b', 'a', 'fabio', '', 'b'])
    await settle()
    expect(agent.calls).toEqual([])
  })

  test('that were set before the start come with it', async () => {
    const { agent, registration } = setUp()
    registration.setAliases(['a'])
    await settle()
    expect(agent.calls).toEqual([])
    await registration.start()
    expect(agent.names).toEqual(['a', 'fabio'])
  })

  test('one that cannot be registered does not keep the others out', async () => {
    const { agent, registration, log } = await started()
    const register = agent.register.bind(agent)
    agent.register = async (service) => {
      if (service.name === 'bad') throw new ConsulError(400, 'Invalid service name')
      await register(service)
    }
    registration.setAliases(['bad', 'good'])
    await settle()
    expect(agent.names).toEqual(['fabio', 'good'])
    expect(log.of('register-failed')).toEqual([
      'error consul register-failed: cannot register gatehouse [name:"bad"] in Consul. Invalid service name',
    ])
  })

  test('one whose withdrawal fails is withdrawn later', async () => {
    const { agent, clock, registration, log } = await started()
    registration.setAliases(['a'])
    await settle()
    agent.failure = refused
    registration.setAliases([])
    await settle()
    expect(log.of('deregister-failed')).toEqual([
      `error consul deregister-failed: cannot deregister gatehouse [name:"a"] in Consul. ${refused.message}`,
    ])
    agent.failure = null
    await clock.advance(2_000)
    expect(agent.names).toEqual(['fabio'])
  })

  test('one that an agent does not know any more is withdrawn', async () => {
    const { agent, registration, log } = await started()
    registration.setAliases(['a'])
    await settle()
    agent.unknown = 404
    agent.services.delete('a-gate-1-9998')
    registration.setAliases([])
    await settle()
    expect(log.of('deregister-failed')).toEqual([])
    agent.calls = []
    registration.contactBack()
    await settle()
    expect(agent.calls).toEqual([`pass ${id}-ttl`])
  })

  test('whose registration may have got through although it failed are withdrawn', async () => {
    const { agent, registration } = await started()
    const pass = agent.pass.bind(agent)
    agent.pass = () => Promise.reject(new ConsulError(0, 'reset'))
    registration.setAliases(['a'])
    await settle()
    agent.pass = pass
    registration.setAliases([])
    await settle()
    expect(agent.names).toEqual(['fabio'])
  })

  test('whatever is set in whatever order while whatever fails, in the end Consul has what was set last', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'fabio', '')
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), names: fc.array(name) }),
      fc.record({ kind: fc.constantFrom('fail', 'heal', 'forget', 'back', 'hang', 'release') }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(15_000) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step),
        fc.array(name),
        fc.constantFrom(404, 500),
        async (steps, last, unknown) => {
          const { agent, clock, registration } = setUp()
          agent.unknown = unknown
          const release = (): void => {
            agent.hanging = ''
            agent.release()
          }
          void registration.start()
          for (const each of steps) {
            if ('names' in each) registration.setAliases(each.names)
            else if ('ms' in each) await clock.advance(each.ms)
            else if (each.kind === 'fail') agent.failure = refused
            else if (each.kind === 'heal') agent.failure = null
            else if (each.kind === 'forget') agent.forget()
            else if (each.kind === 'back') registration.contactBack()
            else if (each.kind === 'hang') agent.hanging = `pass ${id}`
            else release()
          }
          registration.setAliases(last)
          agent.failure = null
          release()
          await clock.advance(12_000)
          const expected = [...new Set(['fabio', ...last.filter((alias) => alias !== '')])].sort()
          expect(agent.names).toEqual(expected)
          await registration.deregister()
          expect([agent.names, clock.pending]).toEqual([[], 0])
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('the end', () => {
  test('withdraws every name, once, and then nothing more is done', async () => {
    const { agent, clock, registration, log } = await started()
    registration.setAliases(['a'])
    await settle()
    agent.calls = []
    await Promise.all([registration.deregister(), registration.deregister()])
    await registration.deregister()
    expect(agent.calls.toSorted()).toEqual(['deregister a-gate-1-9998', `deregister ${id}`])
    expect([agent.names, agent.isClosed, clock.pending]).toEqual([[], true, 0])
    expect(log.lines.at(-1)).toBe(`info consul deregistered: deregistered ${id}, a-gate-1-9998`)
    registration.contactBack()
    registration.setAliases(['b'])
    await clock.advance(60_000)
    expect(agent.calls).toHaveLength(2)
  })

  test('waits for a registration that is under way, which would come after it', async () => {
    const { agent, registration } = setUp()
    agent.hanging = 'register'
    const ready = registration.start()
    await settle()
    const left = registration.deregister()
    await settle()
    expect(agent.calls).toEqual([`register ${id}`])
    agent.hanging = ''
    agent.release()
    await Promise.all([ready, left])
    expect(agent.calls).toEqual([`register ${id}`, `pass ${id}-ttl`, `deregister ${id}`])
    expect(agent.names).toEqual([])
  })

  test('does not wait for ever for one that hangs', async () => {
    const { agent, clock, registration } = setUp()
    agent.hanging = 'register'
    void registration.start()
    const left = registration.deregister()
    await clock.advance(1_499)
    expect(agent.calls).toEqual([`register ${id}`])
    await clock.advance(1)
    await left
    expect(agent.calls).toEqual([`register ${id}`, `deregister ${id}`])
  })

  test('is over after three seconds where Consul hangs', async () => {
    const { agent, clock, registration, log } = await started()
    agent.hanging = 'deregister'
    let isOver = false
    const left = registration.deregister().then(() => {
      isOver = true
    })
    await clock.advance(2_999)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await left
    expect(agent.isClosed).toBe(true)
    expect(log.lines.at(-1)).toBe(
      'warn consul deregister-failed: cannot deregister gatehouse in Consul. expected Consul to answer within 3 s, got no answer',
    )
  })

  test('says what went wrong where Consul refuses', async () => {
    const { agent, registration, log } = await started()
    agent.failure = new ConsulError(403, 'Permission denied')
    await registration.deregister()
    expect(log.lines.at(-1)).toBe(
      'warn consul deregister-failed: cannot deregister gatehouse in Consul. Permission denied',
    )
  })

  test('of what never began asks nothing', async () => {
    const { agent, registration, clock, log } = setUp()
    await registration.deregister()
    await registration.start()
    expect([agent.calls, clock.pending, log.lines]).toEqual([[], 0, []])
  })
})
