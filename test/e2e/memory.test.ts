import { once } from 'node:events'
import { connect } from 'node:net'
import { queryObjects } from 'node:v8'
import { describe, onTestFinished, test } from 'vitest'
import { ClientConnection } from '../../src/http1/client-connection.ts'
import { UpstreamConnection } from '../../src/http1/upstream-connection.ts'
import { Exchange } from '../../src/proxy/exchange.ts'
import { answerOf } from '../support/between.ts'
import { startRawOrigin } from '../support/origin.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait.ts'

// What is over is let go of. A soak (npm run bench:soak) once showed what no other test did: an iterator over the set
// of connections, kept to go on with, kept every connection that had ever been in it.

/** How many objects of a class are alive; collects what is not, first. */
const alive = (of: object): number =>
  (queryObjects as (of: object, options: { format: 'count' }) => number)(of, { format: 'count' })

describe.each(['a GET', 'a POST', 'a request that is cut', 'nothing'])(
  'connections of clients that send %s',
  (what) => {
    test('are not kept once they are closed, nor what belonged to them', async () => {
      const origin = await startRawOrigin((socket) => {
        socket.on('data', () => socket.write(answerOf('ok', 'Connection: close')))
      })
      onTestFinished(() => origin.close())
      const gateway = await startTraffic([serviceRoutes('web', definition('web', '/', origin.url))])
      onTestFinished(async () => void (await gateway.close()))
      const text = {
        'a GET': 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
        'a POST': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
        'a request that is cut': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe',
        nothing: '',
      }[what]!
      const counted = [ClientConnection, UpstreamConnection, Exchange]
      const before = counted.map(alive)
      for (let wave = 0; wave < 6; wave++) {
        const sockets = Array.from({ length: 50 }, () => connect(gateway.port, '127.0.0.1'))
        await Promise.all(
          sockets.map(async (socket) => {
            await once(socket, 'connect')
            if (text !== '') socket.write(text)
            if (text.endsWith('hello') || text.startsWith('GET')) await once(socket, 'data')
            socket.destroy()
          }),
        )
      }
      const isOver = async (): Promise<boolean> =>
        (await gateway.traffic.metrics()).counts.connectionsOpen === 0
      await waitFor(isOver, { what: 'all connections to be closed', deadline: 20_000 })
      await waitFor(() => counted.every((of, i) => alive(of) - before[i]! < 50), {
        what: `them to be let go of: ${counted.map(alive)} are alive, ${before} were before`,
      })
    })
  },
)
