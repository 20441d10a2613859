import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WireClient } from '../../src/upstream/wire-client.ts'
import { type BuildClient, getOf, pooled, upstreamClientContract } from '../contract/upstream-client.ts'
import { waitFor } from '../support/wait.ts'

const build: BuildClient = (address, options, wheel) => new WireClient(address, options, wheel)

upstreamClientContract('the wire engine', build)

test('the connection that was used last is used next, so that those which are not needed get old', async () => {
  const { client, send, arrived, reached, exchange } = await pooled(build, { idleTimeout: 300 })
  const three = ['/1', '/2', '/3'].map((target) => send(getOf(target)))
  await arrived(3)
  for (const n of [2, 0, 1]) {
    reached[n]!.answer()
    await three[n]!.over
  }
  const last = reached[1]!.connection
  const start = performance.now()
  while (performance.now() - start < 600) {
    expect((await exchange('/again')).connection).toBe(last)
    await pause(20)
  }
  expect((client as WireClient).connections()).toEqual({ busy: 0, idle: 1, waiting: 0 })
})

test('a request that needs a new connection gets one at the cost of the one that is idle for longest', async () => {
  const { client, send, arrived, reached, exchange, origin } = await pooled(build, { maxConnections: 2 })
  const two = ['/1', '/2'].map((target) => send(getOf(target)))
  await arrived(2)
  for (const n of [0, 1]) {
    reached[n]!.answer()
    await two[n]!.over
  }
  const oldest = reached[0]!.socket
  const fresh = send(getOf('/fresh', { fresh: true }))
  await arrived(3)
  expect(reached[2]!.connection).toBe(2)
  await waitFor(() => oldest.destroyed, { what: 'the oldest to close' })
  expect(origin.sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(2)
  reached[2]!.answer()
  await fresh.over
  expect((await exchange('/next')).connection).toBe(2)
  expect((client as WireClient).size).toBe(2)
})

test('one that waits for a new connection is not given a kept one', async () => {
  const { client, send, arrived, reached } = await pooled(build, { maxConnections: 1, reuse: 'safe' })
  const first = send(getOf('/1'))
  const post = send(getOf('/post', { method: 'POST' }))
  const last = send(getOf('/3'))
  for (let n = 0; n < 3; n++) {
    await arrived(n + 1)
    reached[n]!.answer()
  }
  await Promise.all([first.over, post.over, last.over])
  expect(reached.map(({ target, connection }) => [target, connection])).toEqual([
    ['/1', 0],
    ['/post', 1],
    ['/3', 1],
  ])
  expect((client as WireClient).size).toBe(1)
})
