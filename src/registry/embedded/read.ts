import type { World } from '../../base/world.ts'
import { type Answer, type Call, problem } from './answer.ts'
import { block, type Result, type Topics } from './blocking.ts'
import { parseGoDuration } from './duration.ts'
import { RefusedError } from './refused.ts'

/** What reads of the catalog and the KV store have in common: query options, blocking, headers. */

export interface ReadContext {
  readonly datacenter: string
  readonly topics: Topics
  readonly world: World
}

const defaultWaitMs = 300_000
const longestWaitMs = 600_000
/** Consul adds up to this part of the wait, so that queries that began together do not end together. */
const jitterPart = 1 / 16
const highestIndex = 2n ** 64n - 1n

/**
 * Runs a read, blocked if the client asks for that, and gives the answer Consul's headers.
 *
 * Throws a RefusedError for options that do not parse or contradict each other.
 */
export async function answerRead<T>(
  context: ReadContext,
  call: Call,
  run: () => Result<T>,
  toAnswer: (value: T) => Answer,
): Promise<Answer> {
  const { query, signal } = call
  const waitMs = parseWait(query.get('wait'))
  const index = parseIndex(query.get('index'))
  for (const other of ['stale', 'cached']) {
    if (query.has(other) && query.has('consistent')) {
      const text = `Cannot specify ?${other} with ?consistent, conflicting semantics.`
      throw new RefusedError(400, text)
    }
  }
  refuseFilter(query)
  if (isElsewhere(context, query.get('dc'))) return problem(500, noPath, contactHeaders(1, false))
  const { topics, world } = context
  const jittered = waitMs + world.random() * waitMs * jitterPart
  const result = await block(run, { index, waitMs: jittered, topics, clock: world.clock, signal })
  const answer = toAnswer(result.value)
  // An index of 0 would make the client's next query return at once, for ever.
  return { ...answer, headers: { ...answer.headers, ...contactHeaders(Math.max(result.index, 1), true) } }
}

/** Throws a RefusedError: an answer that ignores a filter would be a wrong one. */
export function refuseFilter(query: URLSearchParams): void {
  if (query.has('filter')) throw new RefusedError(400, 'Bad request: ?filter needs a real Consul agent')
}

const noPath = 'No path to datacenter'

/** Throws a RefusedError if a write is meant for a datacenter that is not this one. */
export function refuseElsewhere(context: Pick<ReadContext, 'datacenter'>, dc: string | null): void {
  if (isElsewhere(context, dc)) throw new RefusedError(500, noPath)
}

const isElsewhere = ({ datacenter }: Pick<ReadContext, 'datacenter'>, dc: string | null): boolean =>
  dc !== null && dc !== '' && dc.toLowerCase() !== datacenter

export function consistencyOf(query: URLSearchParams): Record<string, string> {
  const mode = query.has('stale') ? 'stale' : query.has('consistent') ? 'consistent' : 'leader'
  return { 'X-Consul-Effective-Consistency': mode }
}

function contactHeaders(index: number, knownLeader: boolean): Record<string, string> {
  return {
    'X-Consul-Index': String(index),
    'X-Consul-Knownleader': String(knownLeader),
    'X-Consul-Lastcontact': '0',
  }
}

/** Milliseconds. Nothing, zero and less stand for the default. */
function parseWait(text: string | null): number {
  if (text === null || text === '') return defaultWaitMs
  let ms: number
  try {
    ms = parseGoDuration(text)
  } catch {
    throw new RefusedError(400, 'Invalid wait time')
  }
  return ms <= 0 ? defaultWaitMs : Math.min(ms, longestWaitMs)
}

function parseIndex(text: string | null): number {
  if (text === null || text === '') return 0
  if (!/^\d+$/.test(text) || BigInt(text) > highestIndex) throw new RefusedError(400, 'Invalid index')
  return Number(text)
}
