import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { answerSizes, bodyOf, cases } from '../../bench/cases.ts'
import { checkProxy } from '../../bench/check.ts'
import { forwardingFields } from '../../bench/proxies/forwarding.ts'
import type { Echo } from '../../bench/upstream.ts'

/** What an upstream sees and a client gets through a proxy that does everything right. */
interface Behaviour {
  status: number
  body: Buffer
  /** What the upstream got. */
  fields: [name: string, value: string][]
  posted: Buffer
  connection: number
  closes: boolean | null
}

type Lie = (honest: Behaviour, request: IncomingMessage) => void

let proxy: Server | null = null

afterEach(() => {
  proxy?.closeAllConnections()
  proxy?.close()
})

/** A proxy and its upstream in one, which changes what it does by the lie. Resolves with its port. */
async function startProxy(lie: Lie): Promise<number> {
  let requests = 0
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const behaviour: Behaviour = {
      status: 200,
      body: bodyOf(answerSizes[request.url!] ?? 0),
      fields: fieldsOf(request),
      posted: await buffer(request),
      connection: 1,
      closes: null,
    }
    lie(behaviour, request)
    requests++
    const { status, posted, connection, closes } = behaviour
    const head = `${request.method} ${request.url} HTTP/1.1\r\n`
    const lines = behaviour.fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const echo: Echo = {
      connection: connection < 0 ? requests : connection,
      head: `${head}${lines}\r\n`,
      bodySize: posted.length,
      bodyHash: createHash('sha256').update(posted).digest('hex'),
    }
    if (closes !== null) response.shouldKeepAlive = !closes
    response.writeHead(status).end(request.url === '/echo' ? JSON.stringify(echo) : behaviour.body)
  }
  proxy = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return (proxy.address() as AddressInfo).port
}

function fieldsOf(request: IncomingMessage): [string, string][] {
  const fields: [string, string][] = []
  const { rawHeaders: raw } = request
  for (let i = 0; i < raw.length; i += 2) fields.push([raw[i]!, raw[i + 1]!])
  return [...fields, ...Object.entries(forwardingFields(request))]
}

const drop =
  (name: string): Lie =>
  (honest) => {
    honest.fields = honest.fields.filter(([field]) => field.toLowerCase() !== name)
  }

const change =
  (name: string, value: string): Lie =>
  (honest) => {
    for (const field of honest.fields) if (field[0].toLowerCase() === name) field[1] = value
  }

describe('the check before the timing', () => {
  test('passes a proxy that does everything right', async () => {
    const port = await startProxy(() => {})
    await checkProxy('honest', port, cases, null)
  })

  const lies: [sentence: string, lie: Lie, words: RegExp][] = [
    [
      'answers with another status',
      (honest) => {
        honest.status = 502
      },
      /^liar, case small: status: expected 200, got 502$/,
    ],
    [
      'cuts an answer short',
      (honest, { url }) => {
        if (url === '/1m') honest.body = honest.body.subarray(1)
      },
      /^liar, case 1m: octets in the body: expected 1048576, got 1048575$/,
    ],
    [
      'changes one octet of an answer',
      (honest, { url }) => {
        if (url === '/64k') honest.body[40_000] = 0
      },
      /^liar, case 64k: expected the body that the upstream sent, got another octet at position 40000$/,
    ],
    [
      'closes a connection that the client wants to keep',
      (honest) => {
        honest.closes = true
      },
      /^liar, case small: whether the answer says Connection: close: expected false, got true$/,
    ],
    [
      'keeps a connection that the client wants closed',
      (honest) => {
        honest.closes = false
      },
      /^liar, case connect: whether the answer says Connection: close: expected true, got false$/,
    ],
    [
      'loses a field of the request',
      drop('cookie'),
      /^liar: expected the upstream to get one field Cookie: session=.*, got none$/,
    ],
    [
      'changes a field of the request',
      change('accept-language', 'fr'),
      /^liar: expected the upstream to get one field Accept-Language: .*, got "fr"$/,
    ],
    [
      'puts the address of the upstream in Host',
      change('host', '127.0.0.1:1'),
      /^liar: expected the upstream to get one field Host: .*, got "127\.0\.0\.1:1"$/,
    ],
    ...[
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-port',
      'x-forwarded-host',
      'x-real-ip',
      'forwarded',
    ].map((name): [string, Lie, RegExp] => [
      `does not add ${name}`,
      drop(name),
      new RegExp(`^liar: expected the upstream to get one field ${name}: .*, got none$`, 'i'),
    ]),
    [
      'adds a field twice',
      (honest) => {
        honest.fields.push(['X-Real-IP', '127.0.0.1'])
      },
      /^liar: expected the upstream to get one field X-Real-Ip: 127\.0\.0\.1, got "127\.0\.0\.1" and "127\.0\.0\.1"$/,
    ],
    [
      'opens an upstream connection for each request',
      (honest) => {
        honest.connection = -1
      },
      /^liar: expected at most 2 upstream connections to be used, got 10 for 10 requests in a row$/,
    ],
    [
      'loses a body',
      (honest) => {
        honest.posted = Buffer.alloc(0)
      },
      /^liar: octets of a POST that reach the upstream: expected 16384, got 0$/,
    ],
    [
      'changes a body',
      (honest) => {
        honest.posted[0] = 0
      },
      /^liar: SHA-256 of the body that reaches the upstream: expected \w+, got \w+$/,
    ],
    [
      'cuts its connections',
      (_honest, { socket }) => {
        socket.destroy()
      },
      /^liar, case small: expected an answer to GET \/small, got socket hang up$/,
    ],
  ]
  for (const [sentence, lie, words] of lies) {
    test(`stops at a proxy that ${sentence}`, async () => {
      await expect(checkProxy('liar', await startProxy(lie), cases, null)).rejects.toThrow(words)
    })
  }
})
