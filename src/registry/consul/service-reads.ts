import type { Answer } from './client.ts'
import type { HealthCheck, HealthEntry } from './health.ts'
import { checkKey, type UnwellList } from './unwell-list.ts'

/** What the last read of a service showed. */
interface ServiceRead {
  readonly index: bigint
  /** Checks of its instances and their nodes that do not pass, with their status. */
  readonly unwell: ReadonlyMap<string, string>
  /** A read must have at least this index to show what woke us. */
  readonly wanted: bigint
  /** Reads in a row that had not. */
  readonly lags: number
}

/**
 * Holds what was read of services against what the lists of unwell checks say. Each comes from whatever server is
 * asked, in whatever order: a read may be older than the list that woke us, than the read before it, or of a moment
 * that no list will tell of again.
 */
export class ServiceReads {
  readonly #reads = new Map<string, ServiceRead>()
  /** Services with a check that does not pass: few of many. */
  readonly #unwell = new Set<string>()

  indexOf(service: string): bigint {
    return this.#reads.get(service)?.index ?? 0n
  }

  /**
   * Whether the answer comes from a server that lags behind the one that was read last: what it says was so before. If
   * all of them go on to say so it is believed, for then Consul has lost its state.
   */
  isOlder(service: string, { index }: Answer): boolean {
    const read = this.#reads.get(service)
    if (read === undefined || index >= read.index || read.lags >= mostLags) return false
    this.#reads.set(service, { ...read, lags: read.lags + 1 })
    return true
  }

  /**
   * Takes a list of entries that is what Consul documents. Returns whether the server lags behind what woke us, so that
   * it has to be read again.
   *
   * @param listOf the last list of a state; null: there is none
   */
  take(service: string, { index, body }: Answer, listOf: (state: string) => UnwellList | null): boolean {
    const unwell = unwellIn(body as readonly HealthEntry[])
    const { wanted: before, lags } = this.#reads.get(service) ?? { wanted: 0n, lags: 0 }
    // A check was unwell for a moment, the list without it came first, and this read is of that moment.
    const isOver = [...unwell].some(([key, status]) => {
      const list = listOf(status)
      return list !== null && list.index >= index && !list.checks.has(key)
    })
    const wanted = isOver && before <= index ? index + 1n : before
    const isBehind = index < wanted && lags < mostLags
    if (unwell.size > 0) this.#unwell.add(service)
    else this.#unwell.delete(service)
    this.#reads.set(service, { index, unwell, wanted: isBehind ? wanted : 0n, lags: isBehind ? lags + 1 : 0 })
    return isBehind
  }

  /** The next reads are to have at least this index. */
  want(service: string, wanted: bigint): void {
    const read = this.#reads.get(service)
    if (read !== undefined && wanted > read.wanted) this.#reads.set(service, { ...read, wanted, lags: 0 })
  }

  /** Services that were read with a check in this state which the list does not have. */
  *withoutCheckIn(state: string, { checks }: UnwellList): Generator<string> {
    for (const service of this.#unwell) {
      const { unwell } = this.#reads.get(service)!
      for (const [key, status] of unwell) if (status === state && !checks.has(key)) yield service
    }
  }

  forget(service: string): void {
    this.#reads.delete(service)
    this.#unwell.delete(service)
  }

  forgetAll(): void {
    this.#reads.clear()
    this.#unwell.clear()
  }
}

/** How often a server may lag behind. One that does for longer says so of itself, by `X-Consul-LastContact`. */
const mostLags = 30

/** One for all that are well, which is most of them. */
const nothing: ReadonlyMap<string, string> = new Map()

/** Entries that are not routed were not looked into and may be anything. */
function unwellIn(entries: readonly (Partial<HealthEntry> | null)[]): ReadonlyMap<string, string> {
  let unwell: Map<string, string> | null = null
  for (const entry of entries) {
    const checks: unknown = entry?.Checks
    if (!Array.isArray(checks)) continue
    for (const check of checks as readonly (Partial<HealthCheck> | null)[]) {
      const { Status: status, CheckID: id, ServiceID: service } = check ?? {}
      if (typeof status === 'string' && status !== 'passing') {
        unwell ??= new Map()
        unwell.set(checkKey(entry?.Node?.Node ?? '', id, service), status)
      }
    }
  }
  return unwell ?? nothing
}
