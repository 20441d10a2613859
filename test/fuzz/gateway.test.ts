import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, expect, test } from 'vitest'
import { Llhttp } from '../support/llhttp.ts'
import { startRawOrigin } from '../support/origin.ts'
import { RawClient } from '../support/raw-client.ts'
import type { ReadMessage } from '../support/read-message.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { deadlineMs, repeat, seed, shown } from './budget.ts'
import { requests, responses } from './corpus.ts'
import { cut, mutate } from './mutate.ts'
import { readRequests, readResponses } from './ours.ts'

// The whole way through the gateway on real sockets: spoiled requests towards a strict upstream, spoiled answers
// towards a strict client, with connections that are kept from one to the next.

const llhttp = new Llhttp()
const counts: string[] = []
afterAll(() => console.log(`fuzz, gateway: seed ${seed}, ${counts.join(', ')}`))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function trafficTo(url: string, upstreamClient: 'wire' | 'undici') {
  const started = await startTraffic([serviceRoutes('web', definition('web', '/', url))], {
    upstreamClient,
    listener: { maxFields: 1_000, maxHeadSize: 65_536, maxTargetSize: 65_536 },
    upstream: { maxFields: 1_000, maxHeadSize: 65_536 },
  })
  cleanups.push(() => started.close())
  return started
}

/** Sends the octets in pieces, with a turn of the loop between them, so that some arrive apart. */
async function sendPieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return
    socket.write(piece)
    await turn()
  }
}

const untilClosed = (client: RawClient, how: string): Promise<string> =>
  client.untilClosed().catch((error: Error) => expect.unreachable(`${error.message}: ${how}`))

const isInterim = ({ start }: ReadMessage): boolean => start.startsWith('1')
const hasExpect = ({ fields }: ReadMessage): boolean => fields.some((field) => /^expect$/i.test(field))

/** An upstream that is `node:http` in its strict mode: what reached it, and what it could not read. */
async function strictOrigin() {
  const reached: string[] = []
  const faults: string[] = []
  const server = createServer({ insecureHTTPParser: false, maxHeaderSize: 1 << 20 }, (message, response) => {
    let body = ''
    message.setEncoding('latin1')
    message.on('data', (text: string) => {
      body += text
    })
    message.on('error', () => {})
    message.on('end', () => {
      reached.push(`${message.method} ${message.url} ${body}`)
      response.end('ok')
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE') faults.push(error.message)
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, reached, faults }
}

test(`with seed ${seed}: what reaches an upstream is what the client's requests were`, {
  timeout: deadlineMs(0.15),
}, async () => {
  const origin = await strictOrigin()
  const { port } = await trafficTo(origin.url, 'wire')
  const count = await repeat(0.15, async (random) => {
    const text = mutate(requests, random)
    const octets = Buffer.from(text, 'latin1')
    const { messages, stop } = readRequests(octets)
    // What a route or an Expect makes of a request is another matter, and methods that node:http does not know.
    // The gateway answers OPTIONS * by itself, and before its body has come.
    if (stop === 'left' || messages.some(hasExpect) || text.includes('OPTIONS *')) return
    origin.reached.length = 0
    const start = performance.now()
    const client = new RawClient(port)
    await sendPieces(client.socket, cut(octets, random))
    client.socket.end()
    const how = `seed ${seed}, octets ${shown(text)}`
    const received = await untilClosed(client, how)
    const sent = messages.map(({ start, body }) => `${start} ${body}`)
    // Who has sent its end is believed to be there still for a second without a movement, and no longer.
    if (performance.now() - start > 900) return
    // Of a request that was cut short nothing is complete.
    expect(origin.reached, how).toEqual(sent)
    expect(origin.faults, how).toEqual([])
    const answers = received.match(/HTTP\/1\.1 200 /g) ?? []
    expect(answers.length, how).toBe(messages.length)
  })
  counts.push(`${count} streams of requests`)
})

test.each([
  ['wire', 0.1],
  ['undici', 0.05],
] as const)(
  `with seed ${seed}: an answer reaches its own client, whole or not at all (%s)`,
  {
    timeout: deadlineMs(0.1),
  },
  async (upstreamClient, part) => {
    let answer: readonly Buffer[] = []
    let isEnd = false
    const origin = await startRawOrigin((socket) => {
      socket.on('data', async (chunk) => {
        const path = /^\S+ (\S+)/.exec(chunk.toString('latin1'))?.[1] ?? ''
        if (path.startsWith('/good')) {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`)
          return
        }
        const [pieces, ends] = [answer, isEnd]
        await sendPieces(socket, pieces)
        if (ends) socket.end()
      })
    })
    cleanups.push(() => origin.close())
    const { port } = await trafficTo(origin.url, upstreamClient)
    let n = 0
    const count = await repeat(part, async (random) => {
      const method = random() < 0.15 ? 'HEAD' : 'GET'
      const text = mutate(responses, random)
      const octets = Buffer.from(text, 'latin1')
      isEnd = random() < 0.6
      const ours = readResponses(octets, method, isEnd)
      // Nobody would say when to stop waiting. undici reads with llhttp.
      const reader = upstreamClient === 'wire' ? ours : llhttp.responses(octets, method, isEnd)
      const isFinal = reader.messages.some((each) => !isInterim(each))
      if (!isEnd && !isFinal && reader.stop !== 'refused') return
      // Octets behind an answer are told from the next one only when they come with it.
      const isWhole = ours.end === octets.length
      answer = isWhole ? cut(octets, random) : [octets]
      const how = `seed ${seed}, octets ${shown(text)} for ${method}, ${isEnd ? 'closed behind' : 'open'}`

      const client = new RawClient(port)
      client.send(`${method} /bad HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      const received = await untilClosed(client, how)
      const read = llhttp.responses(Buffer.from(received, 'latin1'), method, true)
      const final = read.messages.find((each) => !isInterim(each))
      // undici reads with llhttp, which takes more than we do: for it the requests that follow are what counts.
      if (upstreamClient === 'wire') {
        const expected = ours.messages.find((each) => !isInterim(each))
        if (expected === undefined || ours.stop === 'left')
          expect([undefined, '502'], how).toContain(final?.start)
        else expect([final?.start, final?.body], how).toEqual([expected.start, expected.body])
      }
      expect(read.messages.filter((each) => !isInterim(each)).length, how).toBeLessThanOrEqual(1)

      const path = `/good-${n++}`
      const next = new RawClient(port)
      next.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect(await untilClosed(next, `behind ${how}`), `behind ${how}`).toMatch(
        new RegExp(`^HTTP/1.1 200 [\\s\\S]*\r\n\r\n${path}$`),
      )
    })
    counts.push(`${count} answers by way of ${upstreamClient}`)
  },
)
