import { describe, expect, test } from 'vitest'
import { LocalAgent } from '../../src/registry/embedded/agent.ts'
import { RaftIndex, Topics } from '../../src/registry/embedded/blocking.ts'
import { Catalog } from '../../src/registry/embedded/catalog.ts'
import { afterInARow, type Probe, startProbe, type Verdict } from '../../src/registry/embedded/checks.ts'
import { decodeBody } from '../../src/registry/embedded/decode.ts'
import {
  agentCheck,
  type CheckDefinition,
  type CheckStatus,
} from '../../src/registry/embedded/definitions.ts'
import type { NodeService } from '../../src/registry/embedded/objects.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'

const web: NodeService = {
  Kind: '',
  ID: 'web-1',
  Service: 'web',
  Tags: [],
  Address: '',
  TaggedAddresses: null,
  Meta: null,
  Port: 80,
  Weights: { Passing: 1, Warning: 1 },
  EnableTagOverride: false,
  Proxy: null,
  Connect: null,
}

const definition = (fields: Record<string, unknown>): CheckDefinition =>
  decodeBody(agentCheck, Buffer.from(JSON.stringify(fields)))

function startAgent(random = 0) {
  const clock = new FakeClock()
  const catalog = new Catalog(new RaftIndex(1), new Topics())
  const node = {
    ID: '',
    Node: 'n',
    Address: '127.0.0.1',
    Datacenter: 'dc1',
    TaggedAddresses: null,
    Meta: null,
  }
  const agent = new LocalAgent(node, catalog, fakeWorld(clock, random))
  return {
    agent,
    clock,
    /** Status and output as the catalog has them. */
    told: () => catalog.checksOfService('web').value.map(({ Status, Output }) => [Status, Output]),
    /** And as the agent knows them. */
    known: () => agent.checks().map(({ Status, Output }) => [Status, Output]),
    index: () => catalog.health('web', []).index,
    ids: () => agent.services().map(({ ID }) => ID),
  }
}

describe('a TTL check', () => {
  test('expires after its time, and each update begins it anew', async () => {
    const { agent, clock, told } = startAgent()
    agent.registerService(web, [definition({ CheckID: 'c', TTL: '10s', Status: 'passing' })], false)
    await clock.advance(9_999)
    expect(told()).toEqual([['passing', '']])
    agent.updateTtl('c', 'passing', '')
    await clock.advance(9_999)
    expect(told()).toEqual([['passing', '']])
    await clock.advance(1)
    expect(told()).toEqual([['critical', 'TTL expired']])
    agent.updateTtl('c', 'warning', 'slow')
    expect(told()).toEqual([['warning', 'slow']])
    await clock.advance(10_000)
    expect(told()).toEqual([['critical', 'TTL expired (last output before timeout follows): slow']])
  })

  test('keeps the beginning of an output that is too long', () => {
    const { agent, known } = startAgent()
    agent.registerService(web, [definition({ CheckID: 'c', TTL: '10s', OutputMaxSize: 5 })], false)
    agent.updateTtl('c', 'passing', '0123456789')
    expect(known()).toEqual([['passing', '01234 ... (captured 5 of 10 bytes)']])
  })

  test('is not run any more once its service is gone', async () => {
    const { agent, clock, known } = startAgent()
    const idle = clock.pending
    agent.registerService(web, [definition({ TTL: '10s' })], false)
    expect(clock.pending).toBe(idle + 1)
    agent.deregisterService('web-1')
    expect([clock.pending, known()]).toEqual([idle, []])
  })
})

describe('an output that changes while the status stays', () => {
  test('reaches the catalog after half of five minutes to seven and a half, and the newest does', async () => {
    const { agent, clock, told, known, index } = startAgent(0.5)
    agent.registerService(web, [definition({ CheckID: 'c', TTL: '1h', Status: 'passing' })], false)
    const before = index()
    agent.updateTtl('c', 'passing', 'one')
    await clock.advance(200_000)
    agent.updateTtl('c', 'passing', 'two')
    await clock.advance(99_999)
    expect([known(), told(), index()]).toEqual([[['passing', 'two']], [['passing', '']], before])
    await clock.advance(1)
    expect([told(), index() > before]).toEqual([[['passing', 'two']], true])
  })

  test('goes along with a change of status', async () => {
    const { agent, clock, told } = startAgent()
    agent.registerService(web, [definition({ CheckID: 'c', TTL: '1h', Status: 'passing' })], false)
    const idle = clock.pending
    agent.updateTtl('c', 'passing', 'one')
    expect(clock.pending).toBe(idle + 1)
    agent.updateTtl('c', 'warning', 'two')
    expect([told(), clock.pending]).toEqual([[['warning', 'two']], idle])
  })
})

describe('DeregisterCriticalServiceAfter', () => {
  const critical = { CheckID: 'c', TTL: '1h', DeregisterCriticalServiceAfter: '90s' }

  test('takes a service away once it was critical for longer, looked at every 30 s', async () => {
    const { agent, clock, ids, told } = startAgent()
    agent.registerService(web, [definition(critical)], false)
    agent.updateTtl('c', 'critical', 'down')
    await clock.advance(119_999)
    expect(ids()).toEqual(['web-1'])
    await clock.advance(1)
    expect([ids(), told()]).toEqual([[], []])
  })

  test('is a minute at least', async () => {
    const { agent, clock, ids } = startAgent()
    agent.registerService(web, [definition({ ...critical, DeregisterCriticalServiceAfter: '1s' })], false)
    agent.updateTtl('c', 'critical', 'down')
    await clock.advance(60_000)
    expect(ids()).toEqual(['web-1'])
    await clock.advance(30_000)
    expect(ids()).toEqual([])
  })

  test('counts from the last time that it was not critical', async () => {
    const { agent, clock, ids } = startAgent()
    agent.registerService(web, [definition(critical)], false)
    agent.updateTtl('c', 'critical', 'down')
    await clock.advance(80_000)
    agent.updateTtl('c', 'passing', 'up')
    agent.updateTtl('c', 'critical', 'down')
    await clock.advance(90_000)
    expect(ids()).toEqual(['web-1'])
    await clock.advance(30_000)
    expect(ids()).toEqual([])
  })

  test('without it a service stays', async () => {
    const { agent, clock, ids } = startAgent()
    agent.registerService(web, [definition({ CheckID: 'c', TTL: '1s' })], false)
    await clock.advance(3_600_000)
    expect(ids()).toEqual(['web-1'])
  })
})

describe('registering a service again', () => {
  test('keeps checks that are not named any more, unless they are to be replaced', () => {
    const { agent } = startAgent()
    const ids = (): string[] => agent.checks().map(({ CheckID }) => CheckID)
    agent.registerService(web, [definition({ CheckID: 'one', TTL: '1h' })], false)
    agent.registerService(web, [definition({ CheckID: 'two', TTL: '1h' })], false)
    expect(ids()).toEqual(['one', 'two'])
    agent.registerService(web, [definition({ CheckID: 'two', TTL: '1h' })], true)
    expect(ids()).toEqual(['two'])
  })
})

describe('a probe', () => {
  interface Run {
    readonly at: number
    readonly signal: AbortSignal
    finish(verdict: Verdict): void
  }

  function start(random: number, Interval = 10_000, Timeout = 0) {
    const clock = new FakeClock()
    const runs: Run[] = []
    const reports: string[] = []
    const probe: Probe = (signal) =>
      new Promise((finish) => runs.push({ at: clock.monotonic(), signal, finish }))
    const running = startProbe(probe, { Interval, Timeout }, fakeWorld(clock, random), (status, output) =>
      reports.push(`${status} ${output}`),
    )
    return { clock, runs, reports, running }
  }

  test('runs first at a random point of its interval, then an interval after it ended', async () => {
    const { clock, runs, reports } = start(0.25)
    await clock.advance(2_499)
    expect(runs).toEqual([])
    await clock.advance(1)
    await clock.advance(3_000)
    runs[0]?.finish({ status: 'passing', output: 'ok' })
    await clock.advance(9_999)
    expect([runs.length, reports]).toEqual([1, ['passing ok']])
    await clock.advance(1)
    expect(runs.map(({ at }) => at)).toEqual([2_500, 15_500])
  })

  test('runs once a second at most', async () => {
    const { clock, runs } = start(0, 1)
    await clock.advance(0)
    runs[0]?.finish({ status: 'passing', output: '' })
    await clock.advance(999)
    expect(runs.length).toBe(1)
    await clock.advance(1)
    expect(runs.length).toBe(2)
  })

  const timeouts: [sentence: string, timeout: number, ends: number][] = [
    ['after its timeout', 300, 300],
    ['after 10 s without one', 0, 10_000],
  ]
  for (const [sentence, timeout, ends] of timeouts) {
    test(`is told to give up ${sentence}`, async () => {
      const { clock, runs } = start(0, 60_000, timeout)
      await clock.advance(ends - 1)
      expect(runs[0]?.signal.aborted).toBe(false)
      await clock.advance(1)
      expect(runs[0]?.signal.aborted).toBe(true)
    })
  }

  test('reports nothing after it was stopped, and ends what runs', async () => {
    const { clock, runs, reports, running } = start(0)
    await clock.advance(0)
    running.stop()
    expect(runs[0]?.signal.aborted).toBe(true)
    runs[0]?.finish({ status: 'critical', output: 'aborted' })
    await clock.advance(60_000)
    expect([reports, runs.length, clock.pending]).toEqual([[], 1, 0])
  })

  const sequences: [sentence: string, fields: object, results: CheckStatus[], reported: CheckStatus[]][] = [
    ['one result is enough', {}, ['passing', 'critical'], ['passing', 'critical']],
    ['as many failures as asked for', { FailuresBeforeCritical: 2 }, ['critical', 'critical'], ['critical']],
    [
      'a success begins the count anew',
      { FailuresBeforeCritical: 2 },
      ['critical', 'warning', 'critical'],
      ['warning'],
    ],
    [
      'as many successes as asked for',
      { SuccessBeforePassing: 3 },
      ['passing', 'warning', 'passing', 'passing'],
      ['passing', 'passing'],
    ],
  ]
  for (const [sentence, fields, results, reported] of sequences) {
    test(`changes the status when enough agree: ${sentence}`, () => {
      const heard: string[] = []
      const report = afterInARow(definition({ ...fields, TTL: '1s' }), (status) => heard.push(status))
      for (const status of results) report(status, '')
      expect(heard).toEqual(reported)
    })
  }
})
