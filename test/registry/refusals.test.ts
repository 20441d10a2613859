import { describe, expect, test } from 'vitest'
import { ConsulError } from '../../src/registry/consul/client.ts'
import { Refusals } from '../../src/registry/consul/refusals.ts'
import { FakeClock } from '../support/fake-clock.ts'

function start() {
  const clock = new FakeClock()
  let changes = 0
  const refusals = new Refusals(clock, () => {
    changes++
  })
  const refuse = (path: string, status = 403): boolean =>
    refusals.refused(path, new ConsulError(status, `${path}: ${status}`))
  return { clock, refusals, refuse, changes: () => changes }
}

describe('what Consul refuses', () => {
  test('is told with the age and the words of the oldest', async () => {
    const { clock, refusals, refuse } = start()
    expect([refusals.since, refusals.words]).toEqual([null, ''])
    const first = clock.now()
    refuse('/a')
    expect(refusals.words).toBe('/a: 403')
    await clock.advance(1_000)
    refuse('/b', 500)
    refuse('/a')
    expect([refusals.since, refusals.words]).toEqual([first, '/a: 403; and 1 more like it'])
    refusals.settled('/a')
    expect([refusals.since, refusals.words]).toEqual([first + 1_000, '/b: 500'])
  })

  test('is worth a line in the log once for all that are refused in the same way', () => {
    const { refusals, refuse } = start()
    expect([refuse('/a'), refuse('/a'), refuse('/b'), refuse('/c', 429)]).toEqual([true, false, false, true])
    for (const path of ['/a', '/b', '/c']) refusals.settled(path)
    expect(refuse('/a')).toBe(true)
  })

  test('changes what operators see when it begins and when it is over', () => {
    const { refusals, refuse, changes } = start()
    refuse('/a')
    refuse('/b')
    expect([refusals.settled('/a'), changes()]).toEqual([false, 1])
    expect([refusals.settled('/never'), changes()]).toEqual([false, 1])
    expect([refusals.settled('/b'), changes()]).toEqual([true, 2])
    expect([refusals.settled('/b'), changes()]).toEqual([false, 2])
  })
})
