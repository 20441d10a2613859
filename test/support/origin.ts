import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'

/** An upstream of a test. */
export interface Origin {
  readonly port: number
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
  /** Requests that arrived, in order. */
  readonly received: readonly IncomingMessage[]
  close(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Starts an HTTP server, on a free port unless it is to have one, that answers as it is told. */
export async function startOrigin(answer: Answer, host = '127.0.0.1', at = 0): Promise<Origin> {
  const received: IncomingMessage[] = []
  const server = createServer((request, response) => {
    received.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(at, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    received,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

/** An upstream that speaks in octets: what a well-behaved server library would never send. */
export interface RawOrigin {
  readonly port: number
  readonly url: string
  readonly sockets: readonly Socket[]
  close(): Promise<void>
}

/** @param allowHalfOpen its end of a connection stays open when the other side has ended */
export async function startRawOrigin(
  connected: (socket: Socket) => void,
  allowHalfOpen = false,
): Promise<RawOrigin> {
  const sockets: Socket[] = []
  const server = createTcpServer({ allowHalfOpen }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    connected(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    sockets,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}
