import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { Llhttp } from './llhttp.ts'
import { startRawOrigin } from './origin.ts'
import { RawClient } from './raw-client.ts'
import type { ReadMessage } from './read-message.ts'
import { definition, serviceRoutes } from './routes.ts'
import { startTraffic } from './traffic.ts'

/** A request that reached the upstream whole, as llhttp reads it there. */
export interface ReachedRequest extends ReadMessage {
  /** Counts the connections of the upstream, and the requests of one of them; from 0. */
  readonly connection: number
  readonly number: number
  readonly socket: Socket
}

export const answerOf = (body: string, ...lines: string[]): string =>
  `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`

/** What an upstream says to a request; null: nothing, or it was said on the socket. */
export type AnswerTo = (request: ReachedRequest) => string | null

export interface BetweenOptions {
  readonly upstreamClient: 'wire' | 'undici'
  readonly route?: string
  readonly upstream?: NonNullable<Parameters<typeof startTraffic>[1]>['upstream']
  readonly listener?: NonNullable<Parameters<typeof startTraffic>[1]>['listener']
}

/**
 * A gateway with a client on one side and an upstream on the other that both speak in octets. Ends with the test that
 * asked for it.
 */
export async function between(options: BetweenOptions, answer: AnswerTo = () => answerOf('ok')) {
  /** All octets that reached the upstream, by its connections. */
  const octets: string[] = []
  const requests: ReachedRequest[] = []
  const llhttp = new Llhttp()
  const origin = await startRawOrigin((socket) => {
    const connection = octets.push('') - 1
    let number = 0
    socket.on('data', (chunk) => {
      octets[connection] += chunk.toString('latin1')
      const { messages } = llhttp.requests(Buffer.from(octets[connection]!, 'latin1'))
      for (const message of messages.slice(number)) {
        const request = { ...message, connection, number: number++, socket }
        requests.push(request)
        const text = answer(request)
        if (text !== null) socket.write(text, 'latin1')
      }
    })
  })
  onTestFinished(() => origin.close())
  const { route = '/', upstreamClient, upstream = {}, listener = {} } = options
  const gateway = await startTraffic([serviceRoutes('web', definition('web', route, origin.url))], {
    upstreamClient,
    upstream,
    listener,
  })
  onTestFinished(async () => {
    await gateway.close()
  })
  return {
    ...gateway,
    octets,
    requests,
    sockets: origin.sockets,
    /** Another connection of a client, with these octets on it. */
    client(text: string): RawClient {
      const client = new RawClient(gateway.port)
      onTestFinished(() => client.close())
      return client.send(text)
    },
  }
}

/** The fields that the gateway adds to what a client on the loopback address sent. */
export const addedFields = (host: string, version = '1.1'): string =>
  'X-Real-Ip: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n' +
  `X-Forwarded-Host: ${host}\r\nForwarded: for=127.0.0.1; proto=http; httpproto=http/${version}\r\n`

/** What undici writes, as the wire engine would have written it: other cases, and a Connection of its own. */
export const asWritten = (octets: string): string =>
  octets
    .replace(/\r\nhost: /g, '\r\nHost: ')
    .replace(/\r\nconnection: (?:keep-alive|close)\r\n/g, '\r\n')
    .replace(/\r\ncontent-length: /g, '\r\nContent-Length: ')
    .replace(/\r\ntransfer-encoding: /g, '\r\nTransfer-Encoding: ')

/** A request that must never be seen by an upstream: it stands where only a smuggler would have it read. */
export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'
export const clients = ['wire', 'undici'] as const
