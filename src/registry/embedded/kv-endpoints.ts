import { type Answer, type Call, type Endpoint, json, problem, required } from './answer.ts'
import type { KeyValues, KvEntry } from './kv.ts'
import { answerRead, type ReadContext, refuseElsewhere } from './read.ts'
import { RefusedError } from './refused.ts'

/** The largest value that Consul takes, in bytes. */
const largestValue = 524_288

const missing: Answer = { status: 404, headers: {}, body: '' }

/** `/v1/kv/...` */
export function kvEndpoints(kv: KeyValues, context: ReadContext): Endpoint[] {
  return [
    {
      path: '/v1/kv/*',
      methods: {
        GET: (call) => read(kv, context, call),
        PUT: (call) => write(kv, context, call),
        DELETE: (call) => remove(kv, context, call),
      },
    },
  ]
}

function read(kv: KeyValues, context: ReadContext, call: Call): Promise<Answer> {
  const { query, rest } = call
  if (query.has('keys')) {
    return answerRead(
      context,
      call,
      () => kv.list(rest),
      (entries) =>
        entries.length === 0 ? missing : json(keysOf(entries, rest, query.get('separator') ?? '')),
    )
  }
  if (query.has('recurse')) {
    return answerRead(
      context,
      call,
      () => kv.list(rest),
      (entries) => (entries.length === 0 ? missing : json(entries.map(entryView))),
    )
  }
  const key = required(rest, 'key name')
  return answerRead(
    context,
    call,
    () => kv.get(key),
    (entry) => (entry === null ? missing : query.has('raw') ? rawAnswer(entry) : json([entryView(entry)])),
  )
}

/** With a separator, what follows its first place after the prefix is cut off, and what then is equal is one. */
function keysOf(entries: readonly KvEntry[], prefix: string, separator: string): string[] {
  const keys = entries.map(({ Key }) => {
    const at = separator === '' ? -1 : Key.indexOf(separator, prefix.length)
    return at < 0 ? Key : Key.slice(0, at + separator.length)
  })
  return [...new Set(keys)]
}

function entryView({ Key, Flags, Value, CreateIndex, ModifyIndex }: KvEntry): Record<string, unknown> {
  const text = Value.length === 0 ? null : Value.toString('base64')
  return { LockIndex: 0, Key, Flags, Value: text, CreateIndex, ModifyIndex }
}

/** A value may be anything: the browser must not take it for a page of ours. */
function rawAnswer({ Value }: KvEntry): Answer {
  const headers = {
    'Content-Security-Policy': 'sandbox',
    'Content-Type': 'text/plain',
    'X-Content-Type-Options': 'nosniff',
  }
  return { status: 200, headers, body: Value }
}

function write(kv: KeyValues, context: ReadContext, { query, rest, body }: Call): Answer {
  refuseElsewhere(context, query.get('dc'))
  const key = required(rest, 'key name')
  const flags = parseUint(query.get('flags')) ?? 0
  const ifIndex = parseUint(query.get('cas'))
  if (body.length > largestValue) {
    const limit = `max size: ${largestValue} bytes`
    const see = 'See https://www.consul.io/docs/agent/options.html#kv_max_value_size.'
    return problem(413, `Request body(${body.length} bytes) too large, ${limit}. ${see}`)
  }
  return json(kv.put(key, body, flags, ifIndex))
}

function remove(kv: KeyValues, context: ReadContext, { query, rest }: Call): Answer {
  refuseElsewhere(context, query.get('dc'))
  const ifIndex = parseUint(query.get('cas'))
  if (!query.has('recurse')) return json(kv.delete(required(rest, 'key name'), ifIndex))
  if (ifIndex !== null) {
    throw new RefusedError(400, `Conflicting flags: cas=${query.get('cas')}&recurse=${query.get('recurse')}`)
  }
  kv.deleteTree(rest)
  return json(true)
}

/** Null where there is none. Throws a RefusedError in Go's words. */
function parseUint(text: string | null): number | null {
  if (text === null) return null
  if (!/^\d+$/.test(text)) {
    throw new RefusedError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text)
}
