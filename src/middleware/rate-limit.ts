import { GatewayError } from '../base/errors.ts'
import { fieldLine } from '../base/field-syntax.ts'
import type { Rate } from '../base/rate.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { type Bucket, clientKey, type RateBuckets } from './rate-buckets.ts'

interface Limit extends Rate {
  readonly refillMs: number
  /** Start of the keys of its buckets. */
  readonly scope: string
  /** As the fields for clients call it. */
  readonly name: string
  /** For the log. */
  readonly text: string
}

/**
 * `ratelimit=`: lets a request pass where each of the limits has a token for it, and answers 429 otherwise (RFC 6585
 * section 4). Clients are told what they have left in the fields of draft-ietf-httpapi-ratelimit-headers-10.
 *
 * @param scope whose limits these are; the same text has the same buckets
 * @returns null: there are no limits
 */
export function compileRateLimit(
  rates: readonly Rate[],
  scope: string,
  buckets: RateBuckets,
): Middleware | null {
  if (rates.length === 0) return null
  const limits = rates.map((rate, index): Limit => {
    const text = `${rate.count}/${rate.seconds}s`
    return {
      ...rate,
      refillMs: (rate.seconds * 1000) / rate.count,
      scope: `${scope} ${text},${rate.burst},${rate.per} `,
      name: index === 0 ? rate.per : `${rate.per}-${index + 1}`,
      text,
    }
  })
  // What all clients together have left is nothing that one of them could go by.
  const told = limits.filter(({ per }) => per === 'client')
  const policy =
    told.length === 0
      ? ''
      : fieldLine(
          'RateLimit-Policy',
          told.map(({ name, count, seconds }) => `"${name}";q=${count};w=${seconds}`).join(', '),
        )

  return {
    name: 'ratelimit',
    hasEffects: true,
    run(exchange) {
      const client = clientKey(exchange.clientAddress)
      let left = ''
      let verdict: Verdict = null
      for (const limit of limits) {
        const isForClient = limit.per === 'client'
        const bucket = buckets.take(isForClient ? limit.scope + client : limit.scope, limit)
        if (isForClient) left += `${left === '' ? '' : ', '}${leftIn(limit, bucket)}`
        if (bucket.wasTaken) continue
        verdict = refusal(limit, bucket, exchange.clientAddress)
        break
      }
      if (left !== '') exchange.answerLines += `${policy}${fieldLine('RateLimit', left)}`
      return verdict
    },
  }
}

/** `r`: requests that may follow at once; `t`: seconds until all of them may again. */
const leftIn = ({ name }: Limit, { tokens, burst, refillMs }: Bucket): string =>
  `"${name}";r=${Math.max(0, Math.floor(tokens))};t=${Math.ceil(((burst - tokens) * refillMs) / 1000)}`

function refusal({ text, per }: Limit, { tokens, refillMs }: Bucket, address: string): Verdict {
  const seconds = Math.max(1, Math.ceil(((1 - tokens) * refillMs) / 1000))
  const who = per === 'client' ? address : 'all clients'
  return {
    status: 429,
    lines: `Retry-After: ${seconds}\r\n`,
    body: null,
    error: new GatewayError('GW_RATE_LIMITED', `more than ${text} of ${who}`),
  }
}
