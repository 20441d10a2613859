import { describe, expect, test } from 'vitest'
import { Queue } from '../../src/balance/queue.ts'
import { GatewayError } from '../../src/base/errors.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import type { UpstreamClient } from '../../src/upstream/client.ts'
import type { CareOptions, Upstream } from '../../src/upstream/upstream.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock } from '../support/fake-clock.ts'

const refused = new GatewayError('GW_CONNECT_REFUSED', 'refused')
/** A deadline is met at the next tick of the wheel, or the one after. */
const tick = 100

function store(more: Partial<CareOptions> & { panicShare?: number; maxShare?: number } = {}) {
  const client: UpstreamClient = {
    send: () => ({ resume() {}, abort() {} }),
    close: async () => {},
    destroy: async () => {},
  }
  const clock = new FakeClock()
  const log = new CapturedLog()
  const { panicShare = 0.3, maxShare = 0.5 } = more
  const ejection = { failures: 3, time: 1_000, maxTime: 8_000, maxShare, panicShare }
  const options = { ejection, slowStart: 0, drainTimeout: 5_000, ...more }
  const wheel = new TimerWheel(clock)
  const upstreams = new Upstreams(() => client, { options, wheel, clock, log, changed() {} })
  const some = (count: number): Upstream[] =>
    Array.from({ length: count }, (_, i) =>
      upstreams.take({ origin: `http://10.0.0.${i}:80`, serverName: null, tlsSkipVerify: false }),
    )
  return { upstreams, some, clock, log, wheel }
}

const fail = (upstream: Upstream, times = 3, error = refused): void => {
  for (let i = 0; i < times; i++) upstream.failed(error, false)
}

describe('an upstream that fails', () => {
  test('is ejected, probed once its time is over, and back when the probe is answered; each is logged once', async () => {
    const { upstreams, some, clock, log } = store()
    const [bad, ...others] = some(3)
    upstreams.group([bad!, ...others], null)
    fail(bad!, 2)
    expect([bad!.isHeldBack, bad!.isSuspect]).toEqual([false, true])
    fail(bad!, 1)
    expect([bad!.state, bad!.isHeldBack, bad!.part, bad!.ejectedFor]).toEqual(['open', true, 0, 1_000])
    await clock.advance(999)
    expect(bad!.state).toBe('open')
    await clock.advance(tick + 1)
    expect([bad!.state, bad!.part]).toEqual(['half-open', 1])
    expect(bad!.begin()).toBe(true)
    expect([bad!.state, bad!.part, bad!.begin()]).toEqual(['probing', 0, false])
    bad!.answered(200, false, true)
    expect([bad!.state, bad!.isHeldBack, bad!.isSuspect]).toEqual(['closed', false, false])
    expect(log.lines).toEqual([
      'warn upstream ejected: http://10.0.0.0:80 gets nothing for 1 s: 3 failures in a row: refused',
      'info upstream returned: http://10.0.0.0:80 gets requests again: its probe was answered',
    ])
  })

  test('is ejected for longer when its probe fails, and a probe without an outcome is replaced', async () => {
    const { upstreams, some, clock } = store()
    const [bad, other] = some(2)
    upstreams.group([bad!, other!], null)
    fail(bad!)
    await clock.advance(1_000 + tick)
    bad!.begin()
    bad!.failed(refused, true)
    expect([bad!.state, bad!.ejectedFor]).toEqual(['open', 2_000])
    await clock.advance(2_000 + tick)
    bad!.begin()
    await clock.advance(30_000 + tick)
    expect([bad!.state, bad!.begin()]).toEqual(['half-open', true])
    bad!.probeLeft()
    expect(bad!.begin()).toBe(true)
  })

  test.each([
    ['a client that left', new GatewayError('GW_CLIENT_GONE', 'gone')],
    ['a body that is too large', new GatewayError('GW_BODY_TOO_LARGE', 'too large')],
    [
      'this machine without a file descriptor',
      new GatewayError('GW_CONNECT_FAILED', 'no', { cause: Object.assign(new Error(), { code: 'EMFILE' }) }),
    ],
  ])('%s does not speak against it, and ends a probe without a verdict', async (_what, error) => {
    const { upstreams, some, clock } = store()
    const [one, other] = some(2)
    upstreams.group([one!, other!], null)
    fail(one!, 10, error)
    expect(one!.failuresInARow).toBe(0)
    fail(one!)
    await clock.advance(1_000 + tick)
    one!.begin()
    one!.failed(error, true)
    expect(one!.state).toBe('half-open')
  })

  test('a plain 500 is an answer, 503 is a failure', () => {
    const { upstreams, some } = store()
    const [one, other] = some(2)
    upstreams.group([one!, other!], null)
    fail(one!, 2)
    one!.answered(500, false, false)
    expect(one!.failuresInARow).toBe(0)
    for (let i = 0; i < 3; i++) one!.answered(503, true, false)
    expect(one!.state).toBe('open')
  })

  test('that nobody names any more is left alone, and its timers with it', async () => {
    const { upstreams, some, clock, log } = store()
    const [one, other] = some(2)
    const group = upstreams.group([one!, other!], null)
    fail(one!)
    group.leave()
    upstreams.letGo(one!)
    fail(one!)
    one!.answered(503, true, true)
    await clock.advance(tick)
    expect(clock.pending).toBe(0)
    expect(log.lines).toHaveLength(1)
  })
})

describe('the routes of an upstream', () => {
  test('the only one of a route is never ejected for it, and that is said once', () => {
    const { upstreams, some, log } = store()
    const [only] = some(1)
    upstreams.group([only!], null)
    fail(only!, 10)
    expect(only!.state).toBe('closed')
    expect(log.lines).toEqual([
      'warn upstream not-ejected: http://10.0.0.0:80 is left in after 3 failures in a row, too few others are left: refused',
    ])
    only!.answered(200, false, false)
    fail(only!)
    expect(log.of('not-ejected')).toHaveLength(2)
  })

  test.each([
    [2, 1],
    [3, 1],
    [4, 2],
    [10, 5],
  ])('of %d with a limit of half, %d are ejected and no more', (count, most) => {
    const { upstreams, some } = store()
    const all = some(count)
    upstreams.group(all, null)
    for (const upstream of all) fail(upstream)
    expect(all.filter(({ isEjected }) => isEjected)).toHaveLength(most)
  })

  test('the last one stays even where all may be ejected', () => {
    const { upstreams, some } = store({ maxShare: 1, panicShare: 0 })
    const all = some(4)
    upstreams.group(all, null)
    for (const upstream of all) fail(upstream)
    expect(all.map(({ isEjected }) => isEjected)).toEqual([true, true, true, false])
  })

  test('one that is ejected for the route that can bear it is spared by the route that has nobody else', () => {
    const { upstreams, some } = store()
    const [one, two] = some(2)
    const both = upstreams.group([one!, two!], null)
    const alone = upstreams.group([one!], null)
    fail(one!)
    expect([one!.state, both.isSpared(one), alone.isSpared(one)]).toEqual(['open', false, true])
  })

  test('a route that is built while one is ejected knows it; one more comes in its place once it is back', async () => {
    const { upstreams, some, clock } = store()
    const [one, two, three] = some(3)
    upstreams.group([one!, two!], null)
    upstreams.group([two!, three!], null)
    fail(one!)
    fail(three!)
    const later = upstreams.group([one!, two!, three!], null)
    expect([later.isSpared(one), later.isSpared(three)]).toEqual([false, true])
    await clock.advance(1_000 + tick)
    one!.begin()
    one!.answered(200, false, true)
    expect(later.isSpared(three)).toBe(false)
  })

  test('with too few left a route panics and sends to all of them', () => {
    const { upstreams, some } = store({ maxShare: 1, panicShare: 0.5 })
    const all = some(4)
    const group = upstreams.group(all, null)
    for (const upstream of all.slice(0, 2)) fail(upstream)
    expect([group.isPanicking, group.isSpared(all[0])]).toEqual([false, false])
    fail(all[2]!)
    expect([group.isPanicking, group.isSpared(all[0])]).toEqual([true, true])
  })
})

describe('a slow start', () => {
  test('raises the share of who is new in ten steps, without a clock being asked', async () => {
    const { upstreams, some, clock } = store({ slowStart: 10_000 })
    const [old] = some(1)
    expect([old!.isHeldBack, old!.part]).toEqual([false, 1])
    upstreams.startNewOnesSlowly()
    const fresh = some(2)[1]!
    const group = upstreams.group([old!, fresh], null)
    expect([fresh.isHeldBack, fresh.part, group.hasWhole]).toEqual([true, 0.1, true])
    await clock.advance(5_000 + tick)
    expect(fresh.part).toBeGreaterThanOrEqual(0.5)
    expect(fresh.part).toBeLessThan(0.7)
    await clock.advance(6_000)
    expect([fresh.isHeldBack, fresh.part]).toEqual([false, 1])
    await clock.advance(tick)
    expect(clock.pending).toBe(0)
  })

  test('begins anew for one that is back', async () => {
    const { upstreams, some, clock } = store({ slowStart: 10_000 })
    const [one, two] = some(2)
    upstreams.group([one!, two!], null)
    fail(one!)
    await clock.advance(1_000 + tick)
    one!.begin()
    one!.answered(200, false, true)
    expect([one!.state, one!.part]).toEqual(['closed', 0.1])
  })

  test('of everybody holds nobody back', () => {
    const { upstreams, some } = store({ slowStart: 10_000 })
    upstreams.startNewOnesSlowly()
    const group = upstreams.group(some(2), null)
    expect(group.hasWhole).toBe(false)
  })
})

test('an upstream that comes back lets those go on who wait for room', async () => {
  const { upstreams, some, clock } = store()
  const [one, two] = some(2)
  const queue = new Queue({ size: 10, timeout: 0 })
  upstreams.group([one!, two!], queue)
  fail(one!)
  let asked = 0
  const tryAgain = (): boolean => {
    asked++
    return false
  }
  queue.enter({ since: 0, tryAgain })
  await clock.advance(1_000 + tick)
  expect(asked).toBe(1)
})
