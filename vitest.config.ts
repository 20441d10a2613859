import { defineConfig } from 'vitest/config'

// One worker a core; e2e suites start real processes, which want the time of the machine's two cores too.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: process.env.CI === 'true' ? ['default'] : ['dot'],
  },
})
