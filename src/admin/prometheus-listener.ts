import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf, StartError } from '../base/errors.ts'

export interface PrometheusListenerOptions {
  /** Empty: all interfaces, IPv4 and IPv6. */
  readonly host: string
  readonly port: number
  /** `metrics.prometheus.path` */
  readonly path: string
}

export interface PrometheusListener {
  readonly port: number
  close(): Promise<void>
}

/**
 * A port that serves the metrics and nothing else (fabio reference 7.10): so that whoever reads them need not reach the
 * admin port. Rejects with a StartError that names the address.
 */
export async function listenPrometheus(
  { host, port, path }: PrometheusListenerOptions,
  metrics: () => Promise<{ contentType: string; body: AsyncIterable<Buffer> }>,
): Promise<PrometheusListener> {
  const server = createServer((request, response) => {
    answer(request, response, path, metrics).catch((error: unknown) => {
      // Who reads has gone, or what was to be read failed: an answer that was begun must not look complete.
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`)
    })
  })
  await bind(server, host, port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const isBusy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      const found = isBusy ? 'another process has it' : error.message
      reject(new StartError(`proxy.addr: cannot listen on ${host}:${port}: ${found}`, { cause: error }))
    })
    server.listen(host === '' ? { port } : { host, port }, () => {
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve()
    })
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  metrics: () => Promise<{ contentType: string; body: AsyncIterable<Buffer> }>,
): Promise<void> {
  const asked = request.url!.split('?', 1)[0]
  if (asked !== path && path !== '/') {
    response.writeHead(308, { location: path }).end()
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  const { contentType, body } = await metrics()
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' })
  if (request.method === 'HEAD') response.end()
  else await pipeline(Readable.from(body), response)
}
