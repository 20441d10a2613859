import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { endWithParent, listenAndAnnounce, portArgument } from '../programs/child.ts'
import { forwardingFields } from './forwarding.ts'

// The least that forwards everything with node:http and undici, by undici's cheapest way, `dispatch`.
endWithParent()
const pool = new Pool(`http://127.0.0.1:${portArgument()}`)

/** Fields of one connection, not of the message (RFC 9110 section 7.6.1). */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade']

function withoutHopByHop(headers: NodeJS.Dict<string | string[]>): NodeJS.Dict<string | string[]> {
  const kept = { ...headers }
  for (const name of hopByHop) delete kept[name]
  return kept
}

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.on('drain', () => controller.resume())
    this.#response.on('close', () => {
      if (!this.#response.writableFinished) controller.abort(new Error('the client went away'))
    })
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingMessage['headers']): void {
    this.#response.writeHead(status, withoutHopByHop(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#response.end()
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy()
    else this.#response.writeHead(502).end()
  }
}

listenAndAnnounce(
  createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
    pool.dispatch(
      {
        method: method as Dispatcher.HttpMethod,
        path: url,
        headers: { ...withoutHopByHop(headers), ...forwardingFields(request) },
        body: hasBody ? request : null,
      },
      new Relay(response),
    )
  }),
)
