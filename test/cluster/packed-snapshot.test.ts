import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SnapshotPacker, SnapshotUnpacker } from '../../src/cluster/packed-snapshot.ts'
import { boundsOf, Metrics } from '../../src/observe/metrics.ts'
import { emptySnapshot } from '../../src/observe/snapshot.ts'
import type { Target } from '../../src/route/table.ts'
import { exchangeOf } from '../support/exchange.ts'

/** What the main process makes of what a worker sends: over the border of a process everything is copied. */
function channel() {
  const packer = new SnapshotPacker()
  const unpacker = new SnapshotUnpacker()
  return {
    packer,
    pass: (snapshot: ReturnType<Metrics['snapshot']>) =>
      unpacker.unpack(structuredClone(packer.pack(snapshot))),
  }
}

test('whatever was counted and ended in between, the other side has the same', () => {
  const step = fc.record({
    what: fc.constantFrom('count', 'begin', 'end', 'drop', 'send'),
    target: fc.nat(5),
    status: fc.constantFrom(200, 404, 503),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const metrics = new Metrics({ buckets: [0.1] })
      const { pass } = channel()
      const targets = new Map<number, Target>()
      for (const { what, target: number, status } of steps) {
        const service = `s${number % 3}`
        let target = targets.get(number)
        if (target === undefined) {
          const meter = metrics.take({ service, host: '', path: '/', url: `http://h:${number}/` })
          target = { meter, service, upstream: {} } as Target
          targets.set(number, target)
        }
        if (what === 'begin') target.meter.inFlight++
        if (what === 'end') target.meter.inFlight = 0
        if (what === 'count') {
          const exchange = Object.assign(exchangeOf(), { chosen: target, route: {}, status, attempts: 1 })
          metrics.finished(exchange, 1)
        }
        if (what === 'drop') {
          metrics.letGo(target.meter)
          targets.delete(number)
          if (![...targets.values()].some((each) => each.service === service)) metrics.forget(service)
        }
        if (what === 'send') {
          const snapshot = metrics.snapshot()
          expect(pass(snapshot)).toEqual(snapshot)
        }
      }
      const last = metrics.snapshot()
      expect(pass(last)).toEqual(last)
    }),
  )
})

test('labels are told once', () => {
  const metrics = new Metrics({ buckets: [0.1] })
  const meter = metrics.take({ service: 'web', host: '', path: '/', url: 'http://h:1/' })
  meter.inFlight = 1
  const { packer } = channel()
  expect(packer.pack(metrics.snapshot()).targets.fresh).toHaveLength(1)
  const second = packer.pack(metrics.snapshot()).targets
  expect(second.fresh).toEqual([])
  expect(second.ids).toHaveLength(1)
})

test('nothing is a snapshot too', () => {
  const { pass } = channel()
  const nothing = emptySnapshot(boundsOf([]))
  expect(pass(nothing)).toEqual(nothing)
})
