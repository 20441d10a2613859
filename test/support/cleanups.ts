import { afterEach } from 'vitest'

/** Closes after each test of the file what it has started, the last first. */
export function closingAfterEach(): <T extends { close(): unknown }>(starting: Promise<T>) => Promise<T> {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  return async (starting) => {
    const started = await starting
    cleanups.push(() => started.close())
    return started
  }
}
