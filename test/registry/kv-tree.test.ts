import { describe, expect, test } from 'vitest'
import { KvTree } from '../../src/registry/consul/kv-tree.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'

const entry = (key: string, value: string | null) => ({
  Key: key,
  Value: value === null ? null : Buffer.from(value).toString('base64'),
})
const some = [entry('fabio/config', 'route del a')]

function start(leader: () => unknown = () => []) {
  const clock = new FakeClock()
  const told: string[] = []
  const log: string[] = []
  const state = { isDistrustful: false, asked: 0 }
  const stop = new AbortController()
  const tree = new KvTree({
    path: '/fabio/config',
    tell: (documents) => told.push(documents.map(({ text }) => text).join()),
    readAgain: async () => {
      state.asked++
      return leader()
    },
    isDistrustful: () => state.isDistrustful,
    world: fakeWorld(clock),
    log: { debug() {}, info() {}, warn: (_area, _code, text) => log.push(text), error() {} },
    signal: stop.signal,
  })
  return { clock, tree, told, log, state, stop }
}

describe('a tree of keys', () => {
  test('is told at first, also where it is empty, and then when it says something else', () => {
    const { tree, told } = start()
    expect([tree.answered([]), tree.answered([]), tree.answered(some), tree.answered(some)]).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(told).toEqual(['', 'route del a'])
  })

  test('that was emptied by somebody is told at once: its key is still there', () => {
    const { tree, told } = start()
    tree.answered(some)
    tree.answered([entry('fabio/config', null)])
    expect(told).toEqual(['route del a', ''])
  })

  // A Consul that came back without its state took every manual override with it, and what those had routed was 404.
  test('without any key is believed when the leader says so too', async () => {
    const { tree, told, clock, state } = start()
    tree.answered(some)
    tree.answered([])
    expect(told).toEqual(['route del a'])
    await clock.advance(2_000)
    expect([told, state.asked]).toEqual([['route del a', ''], 1])
  })

  test('of a Consul that has just come back is believed only later', async () => {
    const { tree, told, clock, state } = start()
    tree.answered(some)
    state.isDistrustful = true
    tree.answered([])
    await clock.advance(29_000)
    expect([told, state.asked]).toEqual([['route del a'], 0])
    state.isDistrustful = false
    await clock.advance(2_000)
    expect(told).toEqual(['route del a', ''])
  })

  test('that is back before anybody believed it was gone is no news', async () => {
    const { tree, told, clock, state } = start()
    tree.answered(some)
    tree.answered([])
    expect(tree.answered(some)).toBe(false)
    await clock.advance(10_000)
    expect([told, state.asked]).toEqual([['route del a'], 0])
  })

  test('that the leader still has is told as the leader has it', async () => {
    const { tree, told, clock } = start(() => [entry('fabio/config', 'route del b')])
    tree.answered(some)
    tree.answered([])
    await clock.advance(2_000)
    expect(told).toEqual(['route del a', 'route del b'])
  })

  test('is kept as long as nobody can confirm that it is gone, which is said once', async () => {
    let isBad = true
    const { tree, told, clock, log } = start(() => (isBad ? { error: 'x' } : []))
    tree.answered(some)
    tree.answered([])
    await clock.advance(20_000)
    expect([told, log.length]).toEqual([['route del a'], 1])
    expect(log[0]).toContain('no key is left at /fabio/config: expected a list of keys')
    isBad = false
    await clock.advance(2_000)
    expect(told).toEqual(['route del a', ''])
  })

  test('is not asked for any more after the end', async () => {
    const { tree, clock, state, stop } = start()
    tree.answered(some)
    tree.answered([])
    stop.abort()
    await clock.advance(10_000)
    expect([state.asked, clock.pending]).toEqual([1, 0])
  })
})
