import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyOf } from '../../bench/cases.ts'
import { createUpstream, type Echo } from '../../bench/upstream.ts'

const server = createUpstream()
let port = 0

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterAll(() => {
  server.close()
})

/** Sends the pieces one by one over one connection and resolves with everything that comes back. */
async function talk(...pieces: string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  let got = ''
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1')
  })
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, 'latin1', resolve))
    // A turn of the event loop, in which the upstream reads this piece alone.
    await new Promise(setImmediate)
  }
  socket.end()
  await once(socket, 'close')
  return got
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Takes a run of answers apart by their lengths. */
function answersIn(text: string): Answer[] {
  const answers: Answer[] = []
  for (let at = 0; at < text.length; ) {
    const begin = text.indexOf('\r\n\r\n', at) + 4
    const head = text.slice(at, begin)
    at = begin + Number(/\r\nContent-Length: (\d+)\r\n/.exec(head)![1])
    answers.push({ status: Number(head.slice(9, 12)), body: text.slice(begin, at) })
  }
  return answers
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const textOf = (size: number): string => bodyOf(size).toString('latin1')
const ok = (size: number): Answer => ({ status: 200, body: textOf(size) })

describe('the upstream of the benchmark', () => {
  const rows: [sentence: string, sent: string, expected: Answer[]][] = [
    ['answers by path', get('/small'), [ok(64)]],
    ['says 404 to a path that it does not have', get('/other'), [{ status: 404, body: '' }]],
    [
      'answers pipelined requests in their order',
      get('/64k') + get('/small') + get('/1m'),
      [ok(65_536), ok(64), ok(1_048_576)],
    ],
    ['takes a body by its length', post('/small', get('/1m')) + get('/small'), [ok(64), ok(64)]],
    [
      'refuses a body without a length, for it could not tell where the next request begins',
      `POST /small HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get('/small')}`,
      [{ status: 411, body: '' }],
    ],
  ]
  for (const [sentence, sent, expected] of rows) {
    test(sentence, async () => {
      expect(answersIn(await talk(sent))).toEqual(expected)
    })
  }

  test('reads requests wherever they are cut in two', async () => {
    const sent = get('/small') + post('/small', 'abc') + get('/other')
    const expected = [ok(64), ok(64), { status: 404, body: '' }]
    for (let at = 1; at < sent.length; at++) {
      expect(answersIn(await talk(sent.slice(0, at), sent.slice(at))), `cut at ${at}`).toEqual(expected)
    }
  })

  test('tells what reached it, and over which connection', async () => {
    const body = textOf(16_384)
    const [first, second] = answersIn(await talk(post('/echo', body) + get('/echo')))
    const [other] = answersIn(await talk(get('/echo')))
    const [posted, asked, later] = [first, second, other].map((answer) => JSON.parse(answer!.body) as Echo)
    expect(posted).toMatchObject({
      head: 'POST /echo HTTP/1.1\r\nHost: a\r\ncontent-length: 16384\r\n\r\n',
      bodySize: 16_384,
      bodyHash: createHash('sha256').update(body).digest('hex'),
    })
    expect(asked).toMatchObject({ head: get('/echo'), bodySize: 0, connection: posted!.connection })
    expect(later!.connection).toBeGreaterThan(posted!.connection)
  })
})
