import type { PlanOptions } from '../../src/middleware/compile-plan.ts'

/** What routes are given that say nothing: nothing. */
export const planOptions = (more: Partial<PlanOptions> = {}): PlanOptions => ({
  timeout: 0,
  dialTimeout: 5_000,
  headTimeout: 0,
  idleTimeout: 0,
  retries: 2,
  requestFields: [],
  responseFields: [],
  sts: { maxAge: 0, subdomains: false, preload: false },
  cors: { origins: [], methods: ['GET', 'PUT'], headers: ['*'], expose: [], credentials: false, maxAge: 600 },
  rateLimits: [],
  compression: {
    contentType: '',
    codings: ['zstd', 'br', 'gzip'],
    minSize: 1024,
    maxStreams: 0,
    levels: { gzip: 5, br: 4, zstd: 3 },
  },
  ...more,
})
