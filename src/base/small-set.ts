/**
 * A set that mostly has one member or none, of which there are very many: an empty `Set` takes 200 octets, this a few
 * words. In the order of insertion, as a `Set` is.
 */
export class SmallSet<T extends object> {
  /** The only member, or all of them. */
  #members: T | Set<T> | null = null

  get size(): number {
    const members = this.#members
    return members === null ? 0 : members instanceof Set ? members.size : 1
  }

  has(member: T): boolean {
    const members = this.#members
    return members instanceof Set ? members.has(member) : members === member
  }

  add(member: T): void {
    const members = this.#members
    if (members === null) this.#members = member
    else if (members instanceof Set) members.add(member)
    else if (members !== member) this.#members = new Set([members, member])
  }

  /** False: it was none. */
  delete(member: T): boolean {
    const members = this.#members
    if (members instanceof Set) return members.delete(member)
    if (members !== member) return false
    this.#members = null
    return true
  }

  /** Members may come and go meanwhile, as in a `Set`. */
  *[Symbol.iterator](): Generator<T> {
    const members = this.#members
    if (members instanceof Set) yield* members
    else if (members !== null) yield members
  }
}
