import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A service to try the gateway with: it says who it is and what it was asked. */
export interface HelloService {
  readonly name: string
  readonly port: number
  close(): void
}

/** Starts an instance on a free port of `host`. `/foo/healthcheck` answers 200. */
export function startHello(name: string, host: string): Promise<HelloService> {
  const server = createServer((request, response) => {
    const body =
      request.url === '/foo/healthcheck' ? 'OK\n' : `hello from ${name}: ${request.method} ${request.url}\n`
    request.resume()
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo
      const close = (): void => {
        server.close()
        server.closeAllConnections()
      }
      resolve({ name, port, close })
    })
  })
}
