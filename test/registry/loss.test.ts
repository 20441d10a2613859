import { describe, expect, test } from 'vitest'
import { ServiceStates } from '../../src/registry/consul/service-states.ts'
import type { ServiceInstances } from '../../src/registry/registry.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'

const entry = (service: string, id: string, status: string) => ({
  Node: { Node: 'n1', Address: '10.0.0.1' },
  Service: { ID: id, Service: service, Address: '10.0.0.1', Port: 80, Tags: ['urlprefix-/'] },
  Checks: [{ CheckID: `service:${id}`, Status: status, ServiceID: id }],
})

function start(services: readonly string[]) {
  const clock = new FakeClock()
  const told: ServiceInstances[] = []
  const confirms: string[][] = []
  const states = new ServiceStates({
    health: { statuses: ['passing'], checksRequired: 'one' },
    kinds: [],
    world: fakeWorld(clock),
    told: (changes) => told.push(...changes),
    confirm: (names) => confirms.push([...names]),
  })
  const passing = (service: string) => states.read(service, [entry(service, `${service}-1`, 'passing')])
  const critical = (service: string, isConfirmed = false) =>
    states.read(service, [entry(service, `${service}-1`, 'critical')], isConfirmed)
  for (const service of services) passing(service)
  states.flush()
  told.length = 0
  /** Services that were told to have no routed instance, in order. */
  const lost = () =>
    told
      .filter(({ instances }) => !instances.some((instance) => instance.state.routed))
      .map(({ service }) => service)
  return { clock, told, confirms, states, passing, critical, lost }
}

const four = ['a', 'b', 'c', 'd']

describe('a loss', () => {
  test('of one service of four is told at once when its check says why', () => {
    const { critical, lost } = start(four)
    critical('a')
    expect(lost()).toEqual(['a'])
  })

  test('of all services, each with its check’s own words, is told at once: Consul has been there all the time', () => {
    const { critical, lost } = start(four)
    for (const service of four) critical(service)
    expect(lost()).toEqual(four)
  })

  test('of one service that vanished is told after a moment', async () => {
    const { clock, states, lost } = start(four)
    states.vanished('a')
    expect(lost()).toEqual([])
    await clock.advance(200)
    expect(lost()).toEqual(['a'])
  })

  test('of one instance of several is told at once, whatever else happens', () => {
    const { states, told } = start([])
    states.read('a', [entry('a', '1', 'passing'), entry('a', '2', 'passing')])
    states.flush()
    states.read('a', [entry('a', '1', 'passing')])
    expect(told.at(-1)!.instances).toHaveLength(1)
  })

  test('of more than half of the services at once is held, and told when the leader confirms it', async () => {
    const { clock, states, lost, confirms } = start(four)
    for (const service of ['a', 'b', 'c']) states.vanished(service)
    await clock.advance(1_500)
    expect([lost(), confirms]).toEqual([[], []])
    await clock.advance(1_000)
    expect(confirms).toEqual([['a', 'b', 'c']])
    states.read('a', [], true)
    states.flush()
    expect(lost()).toEqual(['a'])
  })

  test('of services one after the other adds up, as when an agent withdraws them in order', async () => {
    const { clock, states, lost } = start(four)
    for (const service of four) {
      states.vanished(service)
      await clock.advance(50)
    }
    await clock.advance(1_500)
    expect(lost()).toEqual([])
  })

  test('that nobody confirms stays held, and is asked about again and again', async () => {
    const { clock, states, lost, confirms } = start(four)
    for (const service of four) states.vanished(service)
    await clock.advance(60_000)
    expect(lost()).toEqual([])
    expect(confirms.length).toBeGreaterThan(20)
  })

  test('that turns out to be none is forgotten', async () => {
    const { clock, states, passing, told } = start(four)
    for (const service of four) states.vanished(service)
    for (const service of four) passing(service)
    await clock.advance(10_000)
    expect(told).toEqual([])
    expect(states.held.size).toBe(0)
  })

  test('of an only service is asked about once, and then told', async () => {
    const { clock, states, lost, confirms } = start(['a'])
    states.vanished('a')
    await clock.advance(2_200)
    expect(confirms).toEqual([['a']])
    states.read('a', [], true)
    states.flush()
    expect(lost()).toEqual(['a'])
  })

  test('stays held while the others come back one after the other, until it is confirmed or back itself', async () => {
    // Told as soon as it was no longer too much, the last service to register again was lost for a second.
    const { clock, states, passing, lost, confirms } = start(four)
    for (const service of four) states.vanished(service)
    await clock.advance(300)
    for (const service of ['b', 'c', 'd']) passing(service)
    await clock.advance(2_500)
    expect(lost()).toEqual([])
    expect(confirms.at(-1)).toEqual(['a'])
    states.read('a', [], true)
    states.flush()
    expect(lost()).toEqual(['a'])
  })
})

describe('after contact was lost and is back', () => {
  test('checks that are all critical may not have run yet: their loss is held', async () => {
    const { clock, states, critical, lost } = start(four)
    states.contactWasBack()
    for (const service of four) critical(service)
    await clock.advance(10_000)
    expect(lost()).toEqual([])
  })

  test('also where the leader confirms it: it knows no more than the checks', async () => {
    const { clock, states, critical, lost } = start(four)
    states.contactWasBack()
    for (const service of four) critical(service, true)
    await clock.advance(10_000)
    expect(lost()).toEqual([])
  })

  test('what is still critical after half a minute is believed', async () => {
    const { clock, states, critical, lost } = start(four)
    states.contactWasBack()
    for (const service of four) critical(service)
    await clock.advance(31_000)
    for (const service of four) critical(service, true)
    states.flush()
    expect(lost().sort()).toEqual(four)
  })

  test('a single service that is critical is told once the other watches had time to come back, too', async () => {
    const { clock, states, critical, lost } = start(four)
    states.contactWasBack()
    critical('a')
    await clock.advance(2_900)
    expect(lost()).toEqual([])
    await clock.advance(200)
    expect(lost()).toEqual(['a'])
  })

  test('losses that are heard of a second apart are too much together', async () => {
    // The first was told before the second was heard of: one service of three was lost until it registered again.
    const { clock, states, lost } = start(four)
    states.contactWasBack()
    for (const service of four) {
      states.read(service, [])
      await clock.advance(500)
    }
    await clock.advance(10_000)
    expect(lost()).toEqual([])
  })
})

describe('telling', () => {
  test('the first change goes at once, those of the next moment together', async () => {
    const { clock, states, told } = start([])
    await clock.advance(1_000)
    states.read('a', [entry('a', '1', 'passing')])
    expect(told.map(({ service }) => service)).toEqual(['a'])
    states.read('b', [entry('b', '1', 'passing')])
    states.read('c', [entry('c', '1', 'passing')])
    expect(told).toHaveLength(1)
    await clock.advance(100)
    expect(told.map(({ service }) => service)).toEqual(['a', 'b', 'c'])
  })

  test('a loss of health does not wait', async () => {
    const { clock, critical, lost, passing } = start(['a', 'b'])
    await clock.advance(1_000)
    passing('c')
    critical('a')
    expect(lost()).toEqual(['a'])
  })

  test('an answer that says the same is no news', () => {
    const { passing, told } = start(['a'])
    expect(passing('a')).toBe(false)
    expect(told).toEqual([])
  })

  test.each([null, 'text', { Node: 1 }, [{}], [{ Node: null, Service: null }]])(
    'an answer of %j throws with words or is harmless, and changes nothing',
    (body) => {
      const { states, told } = start(['a'])
      expect(() => states.read('a', body)).toThrow()
      expect(told).toEqual([])
    },
  )
})
