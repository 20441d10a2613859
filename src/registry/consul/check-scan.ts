import { Digest } from './digest.ts'
import { textsIn } from './health.ts'

/**
 * Finds out which services gained, lost or changed a check between two looks at all checks of the datacenter. Runs in
 * a thread of its own (`scan-worker.ts`): the answer can be ten megabytes and more, and parsing it where requests
 * are forwarded would hold them up.
 *
 * The answer is taken piece by piece and never held whole, and of each service only a digest of its checks is kept, so
 * size costs time and no memory.
 */
export class CheckScan {
  #before: ReadonlyMap<string, Digest> | null = null
  #now = new Map<string, Digest>()
  #splitter = new ObjectSplitter()

  /** The next piece of the answer of `GET /v1/health/state/any`. Throws where that is no list of checks. */
  take(piece: string): void {
    for (const text of this.#splitter.take(piece)) {
      const check = JSON.parse(text) as ScannedCheck
      const { Node: node, CheckID: id, ServiceID: service, Status: status, ServiceTags: tags } = check
      const name = String(check.ServiceName)
      let digest = this.#now.get(name)
      if (digest === undefined) {
        digest = new Digest()
        this.#now.set(name, digest)
      }
      digest.add(JSON.stringify([node, id, service, status, textsIn(tags)]))
    }
  }

  /**
   * The answer was whole: names of services that differ from the last look; null for the first look, which has nothing
   * to compare. Throws where the answer broke off.
   */
  end(): string[] | null {
    if (!this.#splitter.isComplete)
      throw new Error('/v1/health/state/any: expected a list of checks, got a part of one')
    const now = this.#now
    const before = this.#before
    this.#before = now
    this.reset()
    if (before === null) return null
    const changed = new Set<string>()
    for (const [name, digest] of now) if (before.get(name)?.value !== digest.value) changed.add(name)
    for (const name of before.keys()) if (!now.has(name)) changed.add(name)
    return [...changed]
  }

  /** Forgets what came of an answer that will not be ended. */
  reset(): void {
    this.#now = new Map()
    this.#splitter = new ObjectSplitter()
  }
}

/** What is read of a check. */
export interface ScannedCheck {
  readonly Node: string
  readonly CheckID: string
  readonly Status: string
  /** Empty for a check of the node. */
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceTags?: readonly string[] | null
}

/** Cuts a JSON list of objects into the texts of its objects, as it comes. Throws where it sees that it is none. */
export class ObjectSplitter {
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** The beginning of an object that the last piece left open. */
  #rest = ''
  #hasBegun = false
  #hasEnded = false

  /** True once the list was closed. */
  get isComplete(): boolean {
    return this.#hasEnded
  }

  take(piece: string): string[] {
    const objects: string[] = []
    let from = 0
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at)
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (unit === 92 /* \ */) this.#isEscaped = true
        else if (unit === 34 /* " */) this.#isInString = false
      } else if (unit === 34 /* " */) this.#isInString = true
      else if (unit === 123 /* { */) {
        if (this.#depth === 0) from = at
        this.#depth++
      } else if (unit === 125 /* } */) {
        if (this.#depth === 0) throw new Error('expected a list of objects, got "}" before "{"')
        this.#depth--
        if (this.#depth === 0) {
          objects.push(this.#rest + piece.slice(from, at + 1))
          this.#rest = ''
        }
      } else if (this.#depth === 0 && unit === 91 /* [ */) this.#hasBegun = true
      else if (this.#depth === 0 && unit === 93 /* ] */) this.#hasEnded = this.#hasBegun
    }
    if (this.#depth > 0) this.#rest += piece.slice(this.#rest === '' ? from : 0)
    return objects
  }
}
