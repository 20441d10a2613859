import type { Clock } from './world.ts'

/** A deadline that is set anew again and again, as a connection's are. Belongs to one wheel. */
export class WheelTimer {
  readonly expired: () => void
  /** Monotonic milliseconds. */
  deadline = 0
  isArmed = false
  previous: WheelTimer | null = null
  next: WheelTimer | null = null
  slot = -1

  constructor(expired: () => void) {
    this.expired = expired
  }
}

const slotCount = 1024

/**
 * Deadlines of very many connections for the price of one timer. To arm or to cancel is a few assignments; nothing is
 * allocated. A deadline is met at the next tick: never early, late by less than two ticks.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #tick: number
  readonly #slots: (WheelTimer | null)[] = new Array<WheelTimer | null>(slotCount).fill(null)
  #armed = 0
  #isTicking = false
  /** Ticks since the epoch of the clock, up to which the slots were emptied. */
  #position = 0
  /** Monotonic milliseconds at the last tick. */
  #now = 0

  /** @param tick milliseconds */
  constructor(clock: Clock, tick = 50) {
    this.#clock = clock
    this.#tick = tick
  }

  get size(): number {
    return this.#armed
  }

  /** Sets the deadline, in place of an earlier one. */
  arm(timer: WheelTimer, ms: number): void {
    if (!this.#isTicking) this.#startTicking()
    // What the clock has gone on since the last tick is made good by one tick more.
    const deadline = this.#now + ms + this.#tick
    timer.deadline = deadline
    const slot = Math.ceil(deadline / this.#tick) % slotCount
    if (timer.isArmed) {
      if (timer.slot === slot) return
      this.#unlink(timer)
    } else {
      timer.isArmed = true
      this.#armed++
    }
    const first = this.#slots[slot]!
    timer.slot = slot
    timer.previous = null
    timer.next = first
    if (first !== null) first.previous = timer
    this.#slots[slot] = timer
  }

  cancel(timer: WheelTimer): void {
    if (!timer.isArmed) return
    timer.isArmed = false
    this.#armed--
    this.#unlink(timer)
  }

  #unlink(timer: WheelTimer): void {
    const { previous, next } = timer
    if (previous === null) this.#slots[timer.slot] = next
    else previous.next = next
    if (next !== null) next.previous = previous
    timer.previous = null
    timer.next = null
  }

  #startTicking(): void {
    this.#isTicking = true
    this.#now = this.#clock.monotonic()
    this.#position = Math.floor(this.#now / this.#tick)
    this.#clock.after(this.#tick, () => this.#advance())
  }

  #advance(): void {
    this.#now = this.#clock.monotonic()
    const target = Math.floor(this.#now / this.#tick)
    // After a long stop every slot is looked at once.
    const first = Math.max(this.#position + 1, target - slotCount + 1)
    this.#position = target
    for (let position = first; position <= target; position++) this.#expire(position % slotCount)
    if (this.#armed === 0) this.#isTicking = false
    else this.#clock.after(this.#tick, () => this.#advance())
  }

  #expire(slot: number): void {
    const due: WheelTimer[] = []
    for (let timer = this.#slots[slot]!; timer !== null; timer = timer.next!) {
      // A later round of the wheel keeps its place.
      if (timer.deadline <= this.#now) due.push(timer)
    }
    for (const timer of due) {
      // One that expired before may have cancelled this one, or set it anew.
      if (!timer.isArmed || timer.deadline > this.#now) continue
      this.cancel(timer)
      timer.expired()
    }
  }
}
