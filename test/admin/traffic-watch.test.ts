import { expect, test } from 'vitest'
import { TrafficWatch } from '../../src/admin/traffic-watch.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { reading, service } from './figures.ts'

/** Ten requests a second. */
function watched() {
  const clock = new FakeClock()
  const asked: number[] = []
  let fails = false
  const watch = new TrafficWatch(async () => {
    asked.push(clock.now())
    if (fails) throw new Error('gone')
    return reading({ services: [service('a', clock.now() / 100, 0)] })
  }, clock)
  watch.start()
  return {
    clock,
    asked,
    watch,
    fail(now: boolean) {
      fails = now
    },
  }
}

test('the figures are read each second while somebody looks, and as the series need it while nobody does', async () => {
  const { clock, asked, watch } = watched()
  await clock.advance(11_000)
  expect(asked).toEqual([0, 5_000, 10_000])
  const leave = watch.subscribe(() => {})
  await clock.advance(3_000)
  expect(asked.slice(3)).toEqual([12_000, 13_000, 14_000])
  leave()
  await clock.advance(7_000)
  expect(asked.slice(6)).toEqual([15_000, 20_000])
  watch.close()
})

test('who looks is told of every reading, and sees rates and series', async () => {
  const { clock, watch } = watched()
  await settle()
  const seen: (number | undefined)[] = []
  watch.subscribe(() => seen.push(watch.figures()?.total.requests))
  await clock.advance(6_000)
  expect(seen).toEqual([10, 10, 10, 10, 10, 10])
  expect(watch.traffic('a').series.requests.slice(-2)).toEqual([null, 10])
  watch.close()
})

test('a reading that fails is left out, and the next one has what it missed', async () => {
  const { clock, watch, fail } = watched()
  await settle()
  fail(true)
  await clock.advance(5_000)
  fail(false)
  await clock.advance(5_000)
  expect(watch.traffic(null).series.requests.slice(-3)).toEqual([null, 10, 10])
  watch.close()
})

test('once closed, nothing is asked any more', async () => {
  const { clock, asked, watch } = watched()
  await settle()
  watch.close()
  await clock.advance(60_000)
  expect([asked, clock.pending]).toEqual([[0], 0])
})
