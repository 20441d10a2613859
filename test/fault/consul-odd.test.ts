import { setTimeout as pause } from 'node:timers/promises'
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
