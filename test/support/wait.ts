import { setTimeout as pause } from 'node:timers/promises'

export interface WaitOptions {
  /** What is awaited, for the words of the failure. */
  readonly what: string
  /** Milliseconds after which it is given up. */
  readonly deadline?: number
}

/** Asks every few milliseconds until the answer is truthy, and resolves with it. Rejects at the deadline. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, deadline = 5_000 }: WaitOptions,
): Promise<T> {
  const end = performance.now() + deadline
  for (;;) {
    const answer = await condition()
    if (answer) return answer
    if (performance.now() > end) throw new Error(`waited ${deadline} ms in vain for ${what}`)
    await pause(5)
  }
}
