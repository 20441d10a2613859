import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { followings, names, faultTest as test } from '../support/fault-scene.ts'
import { waitFor } from '../support/wait.ts'

describe('services that nobody would think of', () => {
  test.concurrent('may be called like parts of JavaScript, and cost nobody else a route', async ({
    onFaulty,
    startOther,
  }) => {
    const scene = await onFaulty()
    const odd = await startOther('odd')
    const oddNames = ['constructor', '__proto__', 'toString', 'a b/c?d', 'ü', '..']
    for (const name of oddNames) await scene.register(name, odd)
    await waitFor(async () => (await scene.answerOf('constructor')) === 'odd', { what: 'the odd one' })
    await scene.expectToFollow()
  })

  test.concurrent.for(followings)(
    'with %s, in an answer with entries of the wrong shape, the last good routes stay',
    async ([, flags], { onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults } = scene.faulty
      const bodies = [
        '[{"Node":{"Node":"n","Address":"a"},"Service":{"ID":"one","Service":"one","Tags":[null,7,{}],"Port":"x"},"Checks":[null,{}]}]',
        '[{"Node":{"Node":"n"},"Service":{"ID":"one","Service":"one"},"Checks":7}]',
        '[{"Node":null,"Service":null}]',
        '[null]',
        '{"Node":1}',
      ]
      for (const body of bodies) {
        for (const name of names) {
          const path = `/v1/health/service/${name}`
          const clear = faults.set(path, { kind: 'body', body }, 1)
          faults.wake(path)
          await scene.register(name)
          await pause(20)
          clear()
        }
      }
      await scene.expectToFollow()
      await waitFor(() => scene.allServe(), { what: 'all to be served again', deadline: 10_000 })
      expect(scene.registry.connected).toBe(true)
    },
  )

  /*
   * A balancer answered one question with its own error page, in JSON and with 200. Its index was taken, so the change
   * behind it was seen only with the next one, minutes later.
   */
  test.concurrent.for(followings)(
    'with %s, a change that hides behind one bad answer is seen a moment later',
    async ([, flags], { onFaulty, startOther }) => {
      const scene = await onFaulty(flags)
      const { faults } = scene.faulty
      const moved = await startOther('moved')
      for (const path of ['/v1/health', '/v1/catalog', '/v1/kv']) {
        faults.set(path, { kind: 'body', body: '{"message":"upstream not ready"}' }, 3)
      }
      await scene.register('one', moved)
      await waitFor(async () => (await scene.answerOf('one')) === 'moved', {
        what: 'the change',
        deadline: 8_000,
      })
      await scene.expectToFollow(8_000)
    },
  )
})

const identity = fc.oneof(
  fc.constantFrom(null, 7, true, [], {}),
  fc.jsonValue({ maxDepth: 1 }).filter((value) => typeof value !== 'string'),
)
const notAList = fc.oneof(
  fc.constantFrom(null, 7, 'x', true),
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
)
const healthyNode = { Node: 'n', Address: '127.0.0.1' }
/** Bodies that Consul never sends, by path. One that it might send is to be believed, whatever it says. */
const undocumented: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  '/v1/health/service/': fc.oneof(
    notAList,
    fc
      .tuple(fc.constantFrom('Node', 'Service'), identity)
      .map(([part, value]) => [{ Node: healthyNode, Service: { ID: 'one', Service: 'one' }, [part]: value }]),
    identity.map((value) => [{ Node: healthyNode, Service: { ID: value, Service: 'one' }, Checks: [] }]),
    identity.map((value) => [
      { Node: { Node: value }, Service: { ID: 'one', Service: 'one' }, Checks: null },
    ]),
  ),
  '/v1/health/state/': fc.oneof(notAList, fc.array(fc.jsonValue({ maxDepth: 1 }))),
  '/v1/catalog/services': fc.oneof(
    fc.constantFrom(null, 7, 'x', []),
    fc.array(fc.jsonValue({ maxDepth: 1 })),
    fc
      .tuple(
        fc.string(),
        identity.filter((value) => value !== null && !Array.isArray(value)),
      )
      .map(([name, tags]) => ({
        consul: [],
        [name]: tags,
      })),
  ),
  '/v1/kv/fabio/': fc.oneof(
    notAList,
    identity.map((value) => [{ Key: value, Value: null }]),
    identity.filter((value) => value !== null).map((value) => [{ Key: 'fabio/config', Value: value }]),
  ),
  '/v1/status/leader': fc.jsonValue({ maxDepth: 1 }),
  '/v1/agent/self': fc.jsonValue({ maxDepth: 1 }),
}

describe('a storm of answers that Consul never gives', () => {
  test.concurrent.for(followings)(
    'with %s, costs no request, and the next change is seen',
    { timeout: 60_000 },
    async ([, flags], { onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults } = scene.faulty
      const seed = Math.floor(Math.random() * 2 ** 31)
      const path = fc.constantFrom(...Object.keys(undocumented))
      const stories = fc.sample(
        path.chain((of) => undocumented[of]!.map((body) => ({ of, body }))),
        { seed, numRuns: 60 },
      )
      try {
        await scene.losesNothingWhile(async () => {
          for (const [n, { of, body }] of stories.entries()) {
            faults.set(of, { kind: 'body', body: JSON.stringify(body) ?? 'null' }, 2)
            // Something really changes, so that the answer cannot be taken for the one before.
            await scene.register(`more-${n}`)
            faults.wake(of)
            await pause(50)
          }
          faults.clear()
        })
        await scene.expectToFollow(10_000)
        for (const n of stories.keys()) {
          await waitFor(async () => (await scene.statusOf(`more-${n}`)) === 200, {
            what: `more-${n}`,
            deadline: 10_000,
          })
        }
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error })
      }
    },
  )
})
