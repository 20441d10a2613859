import { readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Instance, setStage } from './stage.ts'
import { steadyLoad } from './steady-load.ts'

// Steady load while the table changes all the time: SOAK_MINUTES=5 npx vitest run test/fault/churn.test.ts, and what
// was seen is printed. In CI it is a matter of seconds, which shows a leak of connections and nothing small.

const minutes = Number(process.env.SOAK_MINUTES ?? 0)
const changes = minutes > 0 ? Math.ceil(minutes * 60) : 16
const every = minutes > 0 ? 1_000 : 250

test('a table that changes all the time costs no request, no memory and no connection', {
  timeout: 60_000 + minutes * 90_000,
}, async () => {
  const set = await setStage()
  try {
    const instances: Instance[] = []
    for (let i = 0; i < 4; i++) {
      const instance = await set.start()
      await set.register(instance)
      instances.push(instance)
    }
    await set.routes(4)
    const files = async (): Promise<number> => (await readdir(`/proc/${set.gateway.child.pid}/fd`)).length
    const load = steadyLoad(set.port, { clients: 16, pause: 1, methods: ['GET', 'POST'] })
    const memory: number[] = []
    const open: number[] = []
    for (let turn = 0; turn < changes; turn++) {
      // One goes and is back with the next turn; its tag is another one each time, so that routes come and go too.
      const instance = instances[turn % 4]!
      await set.deregister(instance)
      await pause(every / 2)
      await set.register(instance)
      await set.register({ ...instance, name: 'extra' }, 'extra', `urlprefix-/extra-${turn}`)
      await pause(every / 2)
      memory.push((await set.memory()) / 2 ** 20)
      open.push(await files())
    }
    const { sent, served, failures } = await load.stop()
    const third = Math.floor(changes / 3)
    const [early, late] = [medianOf(memory.slice(third, 2 * third)), medianOf(memory.slice(2 * third))]
    if (minutes > 0) {
      console.log(`churn: ${changes} changes, ${sent} sent, ${served} served, ${JSON.stringify(failures)}`)
      console.log(
        `churn: RSS ${early.toFixed(1)} -> ${late.toFixed(1)} MiB, files ${open[third]} -> ${open.at(-1)}`,
      )
    }
    expect(failures).toEqual({})
    expect(late).toBeLessThan(early * 1.15 + 8)
    expect(open.at(-1)!).toBeLessThan(open[third]! + 24)
  } finally {
    await set.close()
  }
})

const medianOf = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
