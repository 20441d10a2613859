// An instance of a service, in a process of its own so that it can be killed, stopped and hung like a real one.
// Arguments: port (0: any), then JSON of how it behaves. Says `port N` once it listens, `served N` when it ends in order.
import { createServer } from 'node:http'

const [port, how = '{}'] = process.argv.slice(2)
const {
  /** Milliseconds that a request takes. */
  delay = 0,
  /** Milliseconds after which an idle connection is closed. */
  keepAlive = 5000,
  /** Every so many requests the connection is reset without an answer; 0: never. */
  resetEvery = 0,
  /** Status of every answer. */
  status = 200,
  name = String(process.pid),
} = JSON.parse(how)
let served = 0

const server = createServer((request, response) => {
  served++
  if (resetEvery > 0 && served % resetEvery === 0) {
    request.socket.resetAndDestroy()
    return
  }
  const { pathname, searchParams } = new URL(request.url, 'http://instance')
  if (pathname === '/health') {
    response.end('well')
    return
  }
  const size = Number(searchParams.get('size') ?? 0)
  request.resume().on('end', () => {
    setTimeout(() => {
      response.writeHead(status, { 'x-instance': name, ...(isStopping ? { connection: 'close' } : {}) })
      if (size === 0) response.end(name)
      else stream(response, size)
    }, delay)
  })
})

/** Zeros, as fast as they are taken. */
function stream(response, size) {
  const chunk = Buffer.alloc(64 * 1024)
  let left = size
  const more = () => {
    while (left > 0) {
      const next = chunk.subarray(0, Math.min(left, chunk.length))
      left -= next.length
      if (!response.write(next)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
}

server.keepAliveTimeout = keepAlive
server.listen(Number(port), '127.0.0.1', () => console.log(`port ${server.address().port}`))
// As a service that its platform stops: no new connections, running requests end, kept connections are told to end.
let isStopping = false
process.on('SIGTERM', () => {
  isStopping = true
  server.close(() => {
    console.log(`served ${served}`)
    process.exit(0)
  })
  server.closeIdleConnections()
})
