import { LRUCache } from 'lru-cache'
import { addressWords, readAddress } from '../base/ip-address.ts'
import type { Clock } from '../base/world.ts'

/** What one bucket holds at most, and how fast it fills. */
export interface BucketSize {
  /** Tokens. */
  readonly burst: number
  /** Milliseconds in which one token comes back. */
  readonly refillMs: number
}

/** What was taken elsewhere: whose bucket, how many tokens, and the bucket's size. Plain data, as short as can be. */
export type TokensTaken = readonly [key: string, taken: number, burst: number, refillMs: number]

/** A token bucket. */
export interface Bucket extends BucketSize {
  /** Below 0 where more was taken, elsewhere at the same time, than there was. */
  tokens: number
  /** Whether the last `take` got one. */
  wasTaken: boolean
  /** Monotonic milliseconds. */
  filledAt: number
  /** Tokens that this process may still take without telling the others: its part of the bucket. */
  quiet: number
  /** Tokens that were taken here, since it was full, and that the others do not know of. */
  untold: number
}

export interface RateBucketsOptions {
  /** `proxy.ratelimit.clients`: buckets that are kept; with more, the one that was used longest ago is forgotten. */
  readonly most: number
  /** Processes that serve side by side. */
  readonly workers: number
}

/** How long it is gathered what was taken before the other processes hear of it. Milliseconds. */
const tellMs = 100
/** Buckets in one message. */
const mostTold = 1_000

/**
 * The token buckets of all limits, in bounded memory. A bucket that is forgotten is a full one, so what was used up
 * longest ago is given back first.
 *
 * With several processes each has its own buckets, and a client's connections may be at any of them. Cut in equal parts
 * a limit would refuse a client with one connection long before it is reached. So every bucket is a whole one, and the
 * processes tell each other what was taken: at once for nobody, a tenth of a second later for clients that take more
 * than this process's part or that have used up half of their bucket. Most clients never do, and cost no message.
 * More than the limit can pass only within that tenth of a second, and is paid for afterwards.
 */
export class RateBuckets {
  readonly #options: RateBucketsOptions
  readonly #clock: Clock
  readonly #tell: ((all: readonly TokensTaken[]) => void) | null
  /** Made for the first limit that there is. */
  #buckets: LRUCache<string, Bucket> | null = null
  readonly #untold = new Set<string>()
  #isGathering = false

  /** @param tell what the other processes are to hear; null: there are none */
  constructor(
    options: RateBucketsOptions,
    clock: Clock,
    tell: ((all: readonly TokensTaken[]) => void) | null,
  ) {
    this.#options = options
    this.#clock = clock
    this.#tell = options.workers > 1 ? tell : null
  }

  /** Buckets that are kept. */
  get size(): number {
    return this.#buckets?.size ?? 0
  }

  /** Takes a token from the bucket of this key, where it has one. */
  take(key: string, size: BucketSize): Bucket {
    const bucket = this.#bucketOf(key, size)
    bucket.wasTaken = bucket.tokens >= 1
    if (bucket.wasTaken) {
      bucket.tokens--
      if (this.#tell !== null) this.#note(key, bucket)
    }
    return bucket
  }

  /** What other processes have taken. */
  hear(all: readonly TokensTaken[]): void {
    for (const [key, taken, burst, refillMs] of all) {
      const bucket = this.#bucketOf(key, { burst, refillMs })
      // Nobody owes more than a whole bucket, whatever came at the same time.
      bucket.tokens = Math.max(-bucket.burst, bucket.tokens - taken)
    }
  }

  #bucketOf(key: string, { burst, refillMs }: BucketSize): Bucket {
    const now = this.#clock.monotonic()
    this.#buckets ??= new LRUCache({ max: this.#options.most })
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      const quiet = burst / this.#options.workers
      bucket = { burst, refillMs, tokens: burst, wasTaken: false, filledAt: now, quiet, untold: 0 }
      this.#buckets.set(key, bucket)
      return bucket
    }
    const tokens = (now - bucket.filledAt) / refillMs
    const { workers } = this.#options
    bucket.filledAt = now
    bucket.tokens = Math.min(burst, bucket.tokens + tokens)
    bucket.quiet = Math.min(burst / workers, bucket.quiet + tokens / workers)
    // What was taken before has come back, in the others' eyes too.
    if (bucket.tokens === burst) bucket.untold = 0
    return bucket
  }

  /** The others hear of it where it could matter to them. */
  #note(key: string, bucket: Bucket): void {
    bucket.untold++
    const isQuiet = bucket.quiet >= 1
    if (isQuiet) bucket.quiet--
    if (isQuiet && bucket.tokens >= bucket.burst / 2) return
    this.#untold.add(key)
    if (!this.#isGathering) this.#gather()
  }

  #gather(): void {
    this.#isGathering = true
    this.#clock.after(tellMs, () => {
      this.#isGathering = false
      const told: TokensTaken[] = []
      for (const key of this.#untold) {
        if (told.length === mostTold) break
        this.#untold.delete(key)
        const bucket = this.#buckets!.peek(key)
        if (bucket === undefined || bucket.untold === 0) continue
        told.push([key, bucket.untold, bucket.burst, bucket.refillMs])
        bucket.untold = 0
      }
      if (told.length > 0) this.#tell!(told)
      if (this.#untold.size > 0) this.#gather()
    })
  }
}

/** Who is one client: an IPv4 address, or the network of 64 bits that an IPv6 client has to itself (RFC 6177). */
export function clientKey(address: string): string {
  if (!address.includes(':') || readAddress(address) !== 6) return address
  return `${addressWords[0]!.toString(16)}:${addressWords[1]!.toString(16)}/64`
}
