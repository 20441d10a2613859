import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { announce, endWithParent } from './child.ts'

// Takes what a gateway sends to those who watch it, and forgets it: spans by POST, and datagrams at the same port. It
// answers a GET with how often it got something, by path; datagrams have the path `/datagrams`.

export type SinkCounts = Readonly<Record<string, number>>

endWithParent()
const counts: Record<string, number> = {}
const count = (path: string): void => {
  counts[path] = (counts[path] ?? 0) + 1
}
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify(counts))
    return
  }
  request.resume().on('end', () => {
    count(request.url!)
    response.setHeader('content-type', 'application/json')
    response.end('{}')
  })
})
server.listen({ host: '127.0.0.1', port: 0 }, () => {
  const address = server.address()
  if (address === null || typeof address !== 'object') return
  const { port } = address
  createSocket('udp4')
    .on('message', () => count('/datagrams'))
    .bind(port, '127.0.0.1', () => announce(port))
})
