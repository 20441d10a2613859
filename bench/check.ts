import { createHash } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { answerSizes, type BenchCase, bodyOf, browserFields } from './cases.ts'
import type { Echo } from './upstream.ts'

/**
 * Right before fast: asks a proxy for what is going to be timed and for what reached the upstream. Rejects with a
 * sentence at the first thing that is wrong.
 */
export async function checkProxy(
  name: string,
  port: number,
  cases: readonly BenchCase[],
  host: string | null,
): Promise<void> {
  for (const benchCase of cases) {
    const where = `${name}, case ${benchCase.name}`
    const hosts = benchCase.hosts.length > 0 ? benchCase.hosts : [host]
    for (const each of hosts) await checkCase(where, { port, host: each }, benchCase)
  }
  const at = { port, host }
  await checkForwarding(name, at)
  const sizes = new Set([16 * 1024, ...cases.map(({ bodySize }) => bodySize)])
  for (const size of sizes) if (size > 0) await checkBody(name, at, size)
}

/** Where requests go. */
interface Destination {
  readonly port: number
  /** Value of Host; null: the address. */
  readonly host: string | null
}

/** Two requests in a row, as the load generator will send them. */
async function checkCase(where: string, at: Destination, benchCase: BenchCase): Promise<void> {
  const { path, keepAlive } = benchCase
  const expected = bodyOf(answerSizes[path]!)
  const client = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    for (const isFirst of [true, false]) {
      const { status, headers, body, reused } = await ask(where, client, at, benchCase)
      expectSame(where, 'status', 200, status)
      expectSame(where, 'octets in the body', expected.length, body.length)
      if (!body.equals(expected))
        throw wrong(where, `the body that the upstream sent`, differenceOf(expected, body))
      expectSame(
        where,
        'whether the answer says Connection: close',
        !keepAlive,
        headers.connection === 'close',
      )
      if (keepAlive && !isFirst && !reused)
        throw wrong(where, 'the client connection to be kept', 'a new one')
    }
  } finally {
    client.destroy()
  }
}

/** Requests that go through one client connection to count the upstream connections that they use. */
const echoes = 10
/** One would do; a proxy may have opened another before it knew that the first comes free. */
const mostConnections = 2

/** The request's own fields and the added ones reach the upstream, whose connections are kept. */
async function checkForwarding(name: string, at: Destination): Promise<void> {
  const client = new Agent({ keepAlive: true, maxSockets: 1 })
  const connections = new Set<number>()
  try {
    for (let i = 0; i < echoes; i++) {
      const echo = await askEcho(name, client, at, 'GET', 0)
      connections.add(echo.connection)
      checkFields(name, at, fieldsOf(echo.head))
    }
  } finally {
    client.destroy()
  }
  if (connections.size > mostConnections) {
    const found = `${connections.size} for ${echoes} requests in a row`
    throw wrong(name, `at most ${mostConnections} upstream connections to be used`, found)
  }
}

function checkFields(
  name: string,
  { port, host }: Destination,
  received: ReadonlyMap<string, readonly string[]>,
): void {
  const authority = host ?? `127.0.0.1:${port}`
  const expected: [name: string, value: string | RegExp][] = [
    ['Host', authority],
    ...browserFields.map(([field, value]): [string, string] => [field, value]),
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', host === null ? String(port) : '80'],
    ['X-Forwarded-Host', authority],
    ['X-Real-Ip', '127.0.0.1'],
    ['Forwarded', /^for=127\.0\.0\.1; proto=http;.* httpproto=http\/1\.1$/],
  ]
  for (const [field, value] of expected) {
    const lines = received.get(field.toLowerCase()) ?? []
    const isRight =
      lines.length === 1 && (value instanceof RegExp ? value.test(lines[0]!) : value === lines[0])
    if (isRight) continue
    const found = lines.length === 0 ? 'none' : lines.map((line) => `"${line}"`).join(' and ')
    throw wrong(name, `the upstream to get one field ${field}: ${value}`, found)
  }
}

/** A request's body arrives whole. */
async function checkBody(name: string, at: Destination, size: number): Promise<void> {
  const client = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const echo = await askEcho(name, client, at, 'POST', size)
    expectSame(name, 'octets of a POST that reach the upstream', size, echo.bodySize)
    const expected = createHash('sha256').update(bodyOf(size)).digest('hex')
    expectSame(name, 'SHA-256 of the body that reaches the upstream', expected, echo.bodyHash)
  } finally {
    client.destroy()
  }
}

async function askEcho(
  name: string,
  client: Agent,
  at: Destination,
  method: 'GET' | 'POST',
  bodySize: number,
): Promise<Echo> {
  const question: Question = { method, path: '/echo', fields: browserFields, bodySize }
  const { status, body } = await ask(name, client, at, question)
  expectSame(`${name}, /echo`, 'status', 200, status)
  return JSON.parse(body.toString('utf8')) as Echo
}

/** The lines of a head by lower-case name. */
function fieldsOf(head: string): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const line of head.trimEnd().split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return fields
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the request went over the connection of an earlier one. */
  readonly reused: boolean
}

type Question = Pick<BenchCase, 'method' | 'path' | 'fields' | 'bodySize'>

/** Time after which an answer counts as missing. */
const answerMs = 5_000

function ask(where: string, client: Agent, { port, host }: Destination, question: Question): Promise<Answer> {
  const { method, path, fields, bodySize } = question
  return new Promise((resolve, reject) => {
    const headers = { ...Object.fromEntries(fields), ...(host === null ? {} : { host }) }
    const length = bodySize === 0 ? {} : { 'Content-Length': bodySize }
    const signal = AbortSignal.timeout(answerMs)
    const options = { agent: client, host: '127.0.0.1', port, method, path, signal }
    const sent = request({ ...options, headers: { ...headers, ...length } }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('error', reject)
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const { statusCode = 0, headers } = answer
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks), reused: sent.reusedSocket })
      })
    })
    sent.on('error', (cause) => {
      const found = signal.aborted ? `none within ${answerMs / 1_000} s` : cause.message
      reject(new Error(`${where}: expected an answer to ${method} ${path}, got ${found}`, { cause }))
    })
    sent.end(bodyOf(bodySize))
  })
}

function expectSame<T>(where: string, what: string, expected: T, found: T): void {
  if (expected !== found) throw new Error(`${where}: ${what}: expected ${expected}, got ${found}`)
}

const wrong = (where: string, expected: string, found: string): Error =>
  new Error(`${where}: expected ${expected}, got ${found}`)

function differenceOf(expected: Buffer, found: Buffer): string {
  const at = expected.findIndex((octet, i) => octet !== found[i])
  return `another octet at position ${at}`
}
