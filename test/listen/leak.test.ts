import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { systemClock } from '../../src/base/world.ts'
import { ConnectionLimit } from '../../src/listen/connection-limit.ts'
import { listenHttp } from '../../src/listen/http-listener.ts'
import type { Handler } from '../../src/proxy/handler.ts'
import { waitFor } from '../support/wait.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

// Two KiB of each client that had reset its connection stayed for ever: an iterator over the connections, made when the
// port was opened and not moved since, kept everybody who had been among them.
test.each([
  ['without a limit', 0],
  ['with room', 100],
])('connections that are gone leave nothing behind, %s', async (_how, most) => {
  const seen: WeakRef<object>[] = []
  const handler = {
    handle: ({ client }) => {
      seen.push(new WeakRef(client))
      client.answer(200, '', '', 2)
      client.write(Buffer.from('ok'))
      client.end('')
    },
    drained() {},
    clientGone() {},
  } as Pick<Handler, 'handle' | 'drained' | 'clientGone'> as Handler
  const observer = { connectionOpened() {}, connectionClosed() {}, refused() {} }
  const limits = {
    readTimeout: 0,
    writeTimeout: 0,
    headTimeout: 10_000,
    idleTimeout: 75_000,
    bodyStallTimeout: 0,
  }
  const listener = await listenHttp(
    {
      host: '127.0.0.1',
      port: 0,
      ...limits,
      maxHeadSize: 65_536,
      maxFields: 250,
      maxTargetSize: 16_384,
      maxBodySize: 0,
      proxyProtocol: null,
    },
    {
      handler,
      clock: systemClock,
      wheel: new TimerWheel(systemClock),
      observer,
      limit: new ConnectionLimit(most),
      boundTo: null,
      trusted: null,
    },
  )
  const visit = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(listener.port, '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
      )
      socket.once('data', () => socket.resetAndDestroy())
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, visit))
  expect(seen).toHaveLength(200)
  await waitFor(
    () => {
      collectGarbage()
      return seen.filter((ref) => ref.deref() !== undefined).length <= 20
    },
    { what: 'the connections to be forgotten' },
  ).finally(() => listener.drain(0))
})
