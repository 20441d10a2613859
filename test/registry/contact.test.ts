import { setMaxListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Contact } from '../../src/registry/consul/contact.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'

function start() {
  const clock = new FakeClock()
  const state = { isThere: true, probes: 0, changes: 0 }
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const contact = new Contact({
    probe: async () => {
      state.probes++
      if (!state.isThere) throw new Error('connect ECONNREFUSED')
    },
    world: fakeWorld(clock, 0.5),
    changed: () => {
      state.changes++
    },
    signal: closing.signal,
  })
  contact.heard()
  return { clock, contact, state, closing }
}

describe('contact with Consul', () => {
  test('that is lost is asked for once for all, about once a second, and all go on when it is back', async () => {
    const { clock, contact, state } = start()
    state.isThere = false
    let back = 0
    for (let i = 0; i < 100; i++) void contact.waitForReturn(new Error('reset')).then(() => back++)
    await clock.advance(10_000)
    expect([back, contact.status().connected, contact.status().error]).toEqual([
      0,
      false,
      'connect ECONNREFUSED',
    ])
    expect(state.probes).toBeGreaterThanOrEqual(8)
    expect(state.probes).toBeLessThanOrEqual(16)
    state.isThere = true
    await clock.advance(1_200)
    expect([back, contact.status().connected, contact.status().error]).toEqual([100, true, ''])
    expect(state.changes).toBe(2)
  })

  test('ends what is asked when it is lost', async () => {
    const { clock, contact } = start()
    const { signal } = new AbortController()
    const ask = (ends: AbortSignal): Promise<string> =>
      new Promise((resolve) => ends.addEventListener('abort', () => resolve('cut')))
    const answers = [contact.whileThere(signal, ask), contact.whileThere(signal, ask)]
    expect(contact.timesLost).toBe(0)
    void contact.waitForReturn(new Error('reset'))
    expect(await Promise.all(answers)).toEqual(['cut', 'cut'])
    expect(contact.timesLost).toBe(1)
    await clock.advance(2_000)
    let isCut = false
    void contact.whileThere(signal, ask).then(() => {
      isCut = true
    })
    await settle()
    expect(isCut).toBe(false)
  })

  test('ends what is asked when who asks ends', async () => {
    const { contact } = start()
    const asking = new AbortController()
    const answer = contact.whileThere(asking.signal, async (ends) => {
      asking.abort()
      return ends.aborted
    })
    expect(await answer).toBe(true)
    expect(await contact.whileThere(asking.signal, async (ends) => ends.aborted)).toBe(true)
  })

  test('is in doubt after an error of the server: one probe for all who ask at the same time', async () => {
    const { clock, contact, state } = start()
    expect(await Promise.all([contact.isLost(), contact.isLost()])).toEqual([false, false])
    expect(state.probes).toBe(1)
    state.isThere = false
    expect(await contact.isLost()).toBe(true)
    void contact.waitForReturn(new Error('no leader'))
    await settle()
    const { probes } = state
    expect([await contact.isLost(), state.probes]).toEqual([true, probes])
    state.isThere = true
    await clock.advance(2_000)
    expect(await contact.isLost()).toBe(false)
  })

  test('is waited for by who has not asked yet', async () => {
    const { clock, contact, state } = start()
    await contact.whenThere()
    state.isThere = false
    void contact.waitForReturn(new Error('reset'))
    let isThere = false
    void contact.whenThere().then(() => {
      isThere = true
    })
    await clock.advance(3_000)
    expect(isThere).toBe(false)
    state.isThere = true
    await clock.advance(1_200)
    expect(isThere).toBe(true)
  })
})
