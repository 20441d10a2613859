import { createServer, type ListenOptions } from 'node:net'
import { endWithParent } from './child.ts'

// One of several processes on one port: answers everything with 200 and counts its connections. Told how to listen by
// its parent: on a handle that all share, or on the port with SO_REUSEPORT, where the system deals connections out.

export type ToAcceptor =
  | { readonly kind: 'handle' }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'count' }

endWithParent()
const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
const last = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
let count = 0
const server = createServer({ noDelay: true }, (socket) => {
  count++
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    if (chunk.includes('Connection: close')) socket.end(last)
    else socket.write(answer)
  })
})
const backlog = 4_096
const listening = (): void => {
  process.send!({ kind: 'listening' })
}
process.on('message', (message: ToAcceptor, handle: unknown) => {
  switch (message.kind) {
    case 'handle':
      server.listen(handle as object, backlog, listening)
      break
    case 'port': {
      const options = { host: '127.0.0.1', port: message.port, backlog, reusePort: true }
      server.listen(options as ListenOptions, listening)
      break
    }
    case 'count':
      process.send!({ kind: 'count', count })
      count = 0
  }
})
