import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Fault } from '../../src/registry/embedded/faults.ts'
import { followings, faultTest as test } from '../support/fault-scene.ts'
import { waitFor } from '../support/wait.ts'

const faults: [sentence: string, fault: Fault][] = [
  ['answers 500', { kind: 'status', status: 500, body: 'No cluster leader' }],
  [
    'answers 429',
    { kind: 'status', status: 429, body: 'Your IP is issuing too many concurrent connections' },
  ],
  ['answers 403', { kind: 'status', status: 403, body: 'Permission denied' }],
  ['closes connections without an answer', { kind: 'close' }],
  ['cuts its answers in the middle', { kind: 'cut' }],
  ['answers garbage', { kind: 'garbage' }],
  ['answers an object that it does not document', { kind: 'body', body: '{"error": ["try again"]}' }],
  ['answers null', { kind: 'body', body: 'null' }],
  ['answers a list of nothing that it documents', { kind: 'body', body: '[null, 7, "x", [], {}]' }],
  ['lists nothing', { kind: 'empty' }],
  ['answers without an index', { kind: 'index', index: null }],
  ['answers with index 0', { kind: 'index', index: '0' }],
  ['answers with an index that goes back', { kind: 'index', index: '5' }],
  ['answers with an index that is no number', { kind: 'index', index: 'many' }],
  ['takes half a second for each answer', { kind: 'delay', ms: 500 }],
]

describe.each(followings)(
  'with %s, no request is lost and the next change is seen when Consul',
  (_how, flags) => {
    test.concurrent.for(faults)('%s', async ([, fault], { onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults: faulty } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const clear = faulty.set('/v1/', fault)
        faulty.wake()
        await pause(1_500)
        clear()
        faulty.wake()
      })
      await scene.expectToFollow()
    })

    test.concurrent('hangs, and its connections are reset later', async ({ onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults: faulty } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const clear = faulty.set('/v1/', { kind: 'hang' })
        faulty.wake()
        await pause(1_000)
        clear()
        faulty.dropConnections()
        await pause(500)
      })
      await scene.expectToFollow()
    })

    test.concurrent('fails for one service alone: that one keeps its routes too', async ({ onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults: faulty } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const path = '/v1/health/service/two'
        const clear = faulty.set(path, { kind: 'status', status: 500, body: 'rpc error' })
        faulty.wake()
        await scene.register('two')
        await pause(1_000)
        clear()
      })
      await scene.expectToFollow()
    })

    // Consul wakes for nothing as often as it likes. Five or six queries, each with a burst of four, that slow down then.
    test.concurrent('wakes for nothing, again and again, and is not asked in a loop', async ({
      onFaulty,
    }) => {
      const scene = await onFaulty(flags)
      const { faults: faulty } = scene.faulty
      faulty.forget()
      await scene.losesNothingWhile(async () => {
        for (let i = 0; i < 200; i++) {
          // The two queries on unwell checks serve all services and may be asked more often.
          for (const path of ['/v1/catalog', '/v1/health/service', '/v1/kv']) faulty.wake(path)
          await pause(10)
        }
      })
      expect(faulty.seen().length).toBeLessThan(6 * 10)
      await scene.expectToFollow()
    })
  },
)

describe('what an operator sees', () => {
  test.concurrent.for([
    ['has lost its leader', { kind: 'old', lastContactMs: 0, knownLeader: false }, 'knows no leader'],
    [
      'heard of its leader a minute ago',
      { kind: 'old', lastContactMs: 60_000, knownLeader: true },
      '60000 ms ago',
    ],
  ] satisfies [string, Fault, string][])(
    'of a Consul that %s: since when, and why; and the leader itself is asked',
    async ([, fault, why], { onFaulty }) => {
      const scene = await onFaulty()
      const { faults: faulty } = scene.faulty
      expect(scene.registry).toMatchObject({ connected: true, oldSince: null, error: '' })
      await scene.losesNothingWhile(async () => {
        const clear = faulty.set('/v1/', fault)
        faulty.forget()
        faulty.wake()
        await waitFor(() => scene.registry.oldSince !== null, { what: 'the data to be called old' })
        expect(scene.registry).toMatchObject({ connected: true, error: expect.stringContaining(why) })
        await waitFor(() => faulty.seen('/v1/catalog').some(({ query }) => !query.has('stale')), {
          what: 'a question that only the leader answers',
        })
        clear()
        faulty.wake()
        await waitFor(() => scene.registry.oldSince === null, { what: 'the data to be called fresh' })
      })
      expect(scene.registry.error).toBe('')
      await scene.expectToFollow()
    },
  )

  /*
   * The token of a gateway was revoked. It served what it knew for a day, called itself connected, and said so once
   * in its log, and then again for each question, every half a minute.
   */
  test.concurrent.for([
    ['refuses everything', { kind: 'status', status: 403, body: 'Permission denied' }, 'Permission denied'],
    ['limits connections', { kind: 'status', status: 429, body: 'too many connections' }, 'got 429'],
    ['answers what it does not document', { kind: 'body', body: '7' }, 'expected'],
  ] satisfies [string, Fault, string][])(
    'of a Consul that %s: since when, and why, and once in the log',
    async ([, fault, why], { onFaulty }) => {
      const scene = await onFaulty()
      const { faults: faulty } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const began = Date.now()
        const clears = ['/v1/catalog', '/v1/health', '/v1/kv'].map((path) => faulty.set(path, fault))
        await scene.register('another')
        faulty.wake()
        await waitFor(() => scene.registry.oldSince !== null, { what: 'the refusal to be seen' })
        expect(scene.registry).toMatchObject({ connected: true, error: expect.stringContaining(why) })
        await pause(2_000)
        expect(Date.parse(scene.registry.oldSince!) - began).toBeLessThan(1_000)
        expect(scene.logged('refused')).toHaveLength(1)
        for (const clear of clears) clear()
        await waitFor(() => scene.registry.oldSince === null, {
          what: 'every question to be answered',
          deadline: 15_000,
        })
      })
      expect([scene.registry.error, scene.logged('answered-again').length]).toEqual(['', 1])
      await scene.expectToFollow()
    },
  )

  test.concurrent('of a Consul without a leader: that it is lost, and that it is back a moment after', async ({
    onFaulty,
  }) => {
    const scene = await onFaulty()
    const { faults: faulty } = scene.faulty
    await scene.losesNothingWhile(async () => {
      const clear = faulty.set('/v1/', { kind: 'status', status: 500, body: 'No cluster leader' })
      faulty.wake()
      await waitFor(() => !scene.registry.connected, { what: 'the loss to be seen' })
      expect(scene.registry.error).toContain('No cluster leader')
      // As long as a query of its own would have paused by now.
      await pause(6_000)
      clear()
      await waitFor(() => scene.registry.connected, { what: 'contact', deadline: 2_500 })
    })
    expect([scene.logged('contact-lost').length, scene.logged('contact-back').length]).toEqual([1, 1])
    // Of a Consul that has just come back a service that vanishes is believed three seconds later.
    await scene.expectToFollow(4_500)
  })
})
