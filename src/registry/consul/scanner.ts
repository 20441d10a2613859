import { Worker } from 'node:worker_threads'
import type { ConsulClientOptions } from './client.ts'

/** Looks at everything that Consul knows, off the thread that forwards requests. */
export interface Scanner {
  /** Looks at all checks of the datacenter. Rejects where there is no whole answer. One at a time. */
  look(): Promise<Look>
  /**
   * Reads services and gives the digest of what Consul says of each (`digestOf`), null where it did not answer. Rejects
   * where the thread has ended.
   */
  digests(services: readonly string[]): Promise<readonly (number | null)[]>
  close(): Promise<void>
}

export interface Look {
  /** Names of services that changed since the last look; null where there is none to compare with. */
  readonly changed: readonly string[] | null
  /** Consul's index of what was seen. */
  readonly index: bigint
}

export type ScanQuestion =
  | { readonly kind: 'look' }
  | { readonly kind: 'digests'; readonly services: readonly string[] }

export type ScanResult =
  | ({ readonly kind: 'look' } & Look)
  | { readonly kind: 'digests'; readonly digests: readonly (number | null)[] }
  | { readonly kind: 'failed'; readonly why: string }

export interface ScanAnswer {
  /** Of the question. */
  readonly id: number
  readonly result: ScanResult
}

/** From sources that nobody compiled (the test runner's), the thread is that of the build: threads take JavaScript. */
const program = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/registry/consul/scan-worker.js', import.meta.url)
  : new URL('./scan-worker.js', import.meta.url)

/** One for the look at all checks, and a few for reads: they are to be slow rather than to keep Consul busy. */
const connections = 3

interface Asked {
  readonly settle: (result: ScanResult) => void
}

export function startScanner(options: ConsulClientOptions): Scanner {
  let worker: Worker | null = null
  let lastId = 0
  const asked = new Map<number, Asked>()

  const start = (): Worker => {
    const started = new Worker(program, {
      workerData: { ...options, maxConnections: connections },
      // What it reads is garbage a moment later: the less of it may pile up, the less memory the thread takes.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    // A thread that dies takes its memory of the last look with it and nothing else; the next question starts another.
    const ended = (why: string): void => {
      if (worker !== started) return
      worker = null
      for (const { settle } of asked.values()) settle({ kind: 'failed', why })
      asked.clear()
    }
    started.on('error', (error) => ended(error.message))
    started.on('exit', (code) => ended(`the thread ended with ${code}`))
    started.on('message', ({ id, result }: ScanAnswer) => {
      asked.get(id)?.settle(result)
      asked.delete(id)
    })
    return started
  }

  const ask = <Kind extends ScanQuestion['kind']>(
    question: ScanQuestion & { kind: Kind },
  ): Promise<ScanResult & { kind: Kind }> =>
    new Promise((resolve, reject) => {
      worker ??= start()
      const id = ++lastId
      asked.set(id, {
        settle(result) {
          if (result.kind === question.kind) resolve(result as ScanResult & { kind: Kind })
          else reject(new Error(result.kind === 'failed' ? result.why : `unexpected ${result.kind}`))
        },
      })
      worker.postMessage({ id, question })
    })

  return {
    look: () => ask({ kind: 'look' }),
    digests: async (services) => (await ask({ kind: 'digests', services })).digests,
    async close() {
      await worker?.terminate()
    },
  }
}
