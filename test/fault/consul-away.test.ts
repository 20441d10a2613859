import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { followings, names, put, faultTest as test } from '../support/fault-scene.ts'
import { waitFor } from '../support/wait.ts'

describe.each(followings)(
  'with %s, no request is lost and the next change is seen when Consul',
  (_how, flags) => {
    test.concurrent('is gone for a while and comes back empty with a lower index', async ({ onFaulty }) => {
      const scene = await onFaulty(flags)
      await scene.losesNothingWhile(async () => {
        await scene.faulty.stop()
        await pause(2_000)
        await scene.faulty.start()
        await scene.registerAll()
        await waitFor(() => scene.registry.connected, { what: 'contact', deadline: 3_000 })
        await pause(1_000)
      })
      await scene.expectToFollow()
    })

    test.concurrent('comes back empty and stays so until the services have registered again', async ({
      onFaulty,
    }) => {
      const scene = await onFaulty(flags)
      await scene.losesNothingWhile(async () => {
        await scene.faulty.restart()
        await pause(5_000)
        await scene.registerAll()
        await pause(1_000)
      })
      await scene.expectToFollow()
    })

    test.concurrent('has no leader for a moment, and restarts then', async ({ onFaulty }) => {
      const scene = await onFaulty(flags)
      const { faults } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const clear = faults.set('/v1/', { kind: 'status', status: 500, body: 'No cluster leader' })
        faults.wake()
        await pause(500)
        clear()
        await scene.faulty.restart()
        await pause(1_000)
        await scene.registerAll()
        await pause(2_000)
      })
      await scene.expectToFollow()
    })

    test.concurrent('takes no connection: it is asked about once a second, and everything once when it is back', async ({
      onFaulty,
    }) => {
      const scene = await onFaulty(flags)
      const { faults } = scene.faulty
      await scene.losesNothingWhile(async () => {
        const clear = faults.set('/v1/', { kind: 'close' })
        faults.wake()
        await waitFor(() => !scene.registry.connected, { what: 'the loss to be seen' })
        await pause(500)
        faults.forget()
        await pause(4_000)
        const meanwhile = faults.seen().map(({ path }) => path)
        expect(new Set(meanwhile)).toEqual(new Set(['/v1/status/leader']))
        expect(meanwhile.length).toBeLessThanOrEqual(7)
        expect(meanwhile.length).toBeGreaterThanOrEqual(3)
        clear()
        await waitFor(() => scene.registry.connected, { what: 'contact', deadline: 2_000 })
        await pause(1_000)
        // The first answers come at once, and the queries that follow block.
        for (const [path, count] of faults.counts()) {
          if (path !== '/v1/status/leader') expect([path, count <= 3]).toEqual([path, true])
        }
      })
      await scene.expectToFollow()
    })
  },
)

describe('what an operator sees when Consul is gone', () => {
  test.concurrent('the table says since when, and why, and the log says it once', async ({ onFaulty }) => {
    const scene = await onFaulty()
    await scene.faulty.stop()
    await waitFor(() => !scene.registry.connected, { what: 'the loss to be seen' })
    await pause(1_500)
    expect(scene.registry.error).toContain(scene.url)
    expect(Date.parse(scene.registry.lastContactAt!)).toBeLessThan(Date.now() - 1_000)
    expect(scene.logged('contact-lost')).toHaveLength(1)
    await scene.faulty.start()
    await waitFor(() => scene.registry.connected, { what: 'contact', deadline: 3_000 })
    expect(scene.logged('contact-back')).toHaveLength(1)
  })
})

describe.each(followings)('with %s, a real Consul', (_how, flags) => {
  test('that is killed and started again, empty, loses no request', { timeout: 60_000 }, async ({
    onConsul,
  }) => {
    const scene = await onConsul(flags)
    await scene.losesNothingWhile(async () => {
      await scene.consul.restart()
      await pause(3_000)
      await scene.registerAll()
      await waitFor(() => scene.registry.connected, { what: 'contact', deadline: 5_000 })
      await pause(1_000)
    })
    await scene.expectToFollow()
  })

  test('that is stopped in order loses no request, and is followed when it is back', {
    timeout: 60_000,
  }, async ({ onConsul }) => {
    const scene = await onConsul(flags)
    await scene.losesNothingWhile(async () => {
      await scene.consul.stop()
      await pause(2_000)
      await scene.consul.start()
      await scene.registerAll()
      await pause(2_000)
    })
    await scene.expectToFollow()
  })

  test('that is frozen and thawed loses no request', { timeout: 60_000 }, async ({ onConsul }) => {
    const scene = await onConsul(flags)
    await scene.losesNothingWhile(async () => {
      process.kill(scene.consul.pid, 'SIGSTOP')
      await pause(3_000)
      process.kill(scene.consul.pid, 'SIGCONT')
    })
    await scene.expectToFollow(10_000)
  })
})

describe('many services with a few queries', () => {
  test('flips, joins, leaves, new names and changed addresses are all seen', { timeout: 60_000 }, async ({
    onConsul,
    startOther,
  }) => {
    const scene = await onConsul(['-registry.consul.maxwatches', '2'])
    const other = await startOther('other')
    const until = (what: string, condition: () => Promise<boolean>) =>
      waitFor(condition, { what, deadline: 15_000 })
    const check = (verb: string, service: string) =>
      put(`${scene.url}/v1/agent/check/${verb}/service:${service}`)
    const isStatus = (service: string, status: number) => async () =>
      (await scene.statusOf(service)) === status

    await check('fail', 'one')
    await until('a flip', isStatus('one', 503))
    await check('pass', 'one')
    await until('it to be well again', isStatus('one', 200))
    await check('warn', 'two')
    await until('a warning', isStatus('two', 503))
    await check('pass', 'two')
    await until('it to be well again', isStatus('two', 200))

    // An instance that passes from the start shows in no list of unwell checks, and its service's name is known.
    const place = { Node: 'other', Address: '127.0.0.1' }
    const service = { ID: 'one-2', Service: 'one', Address: '127.0.0.1', Tags: ['urlprefix-/one'] }
    await put(`${scene.url}/v1/catalog/register`, {
      ...place,
      Service: { ...service, Port: other.port },
      Check: { CheckID: 'one-2', Name: 'x', Status: 'passing', ServiceID: 'one-2' },
    })
    await until('an instance that joined', async () => (await scene.answerOf('one')) === 'other')
    // Its address changes, and nothing else.
    const moved = await startOther('moved')
    await put(`${scene.url}/v1/catalog/register`, { ...place, Service: { ...service, Port: moved.port } })
    await until('an instance that moved', async () => (await scene.answerOf('one')) === 'moved')
    await put(`${scene.url}/v1/catalog/deregister`, { Node: 'other', ServiceID: 'one-2' })
    await until('an instance that left', async () => {
      const answers = [await scene.answerOf('one'), await scene.answerOf('one'), await scene.answerOf('one')]
      return !answers.includes('moved')
    })
    await scene.expectToFollow()
    expect(names).toHaveLength(3)
  })
})
