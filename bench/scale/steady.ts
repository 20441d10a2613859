import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

// Steady traffic through the gateway to one service, in a process of its own with its own upstream: what it sees is
// the gateway's doing and not that of the program that changes Consul at the same time. Talks over IPC: tells its
// upstream's port, starts at `{ start: port }`, answers `take` with the latencies since the last one, in ms, -1 for an
// answer that was not 200.

const everyMs = 4
const upstream = createServer((_request, response) => {
  response.setHeader('content-length', 2)
  response.end('ok')
})
upstream.keepAliveTimeout = 60_000
upstream.listen(0, '127.0.0.1', () =>
  process.send!({ upstreamPort: (upstream.address() as AddressInfo).port }),
)

let latencies: number[] = []
process.on('message', (message: 'take' | { start: number }) => {
  if (message === 'take') {
    process.send!({ latencies })
    latencies = []
    return
  }
  const pool = new Pool(`http://127.0.0.1:${message.start}`, { connections: 4 })
  setInterval(() => {
    const from = performance.now()
    pool
      .request({ method: 'GET', path: '/steady/' })
      .then(async (answer) => {
        await answer.body.dump()
        latencies.push(answer.statusCode === 200 ? performance.now() - from : -1)
      })
      .catch(() => latencies.push(-1))
  }, everyMs)
})
process.on('disconnect', () => process.exit())
