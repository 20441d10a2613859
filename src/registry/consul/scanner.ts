import { Worker } from 'node:worker_threads'
import type { ConsulClientOptions } from './client.ts'

/** Looks at all checks of the datacenter, off the thread that forwards requests. */
export interface Scanner {
  /** Rejects where there is no whole answer. One at a time. */
  look(): Promise<Look>
  close(): Promise<void>
}

export interface Look {
  /** Names of services that changed since the last look; null where there is none to compare with. */
  readonly changed: readonly string[] | null
  /** Consul's index of what was seen. */
  readonly index: bigint
}

export type ScanResult = Look | { readonly failed: string }

/** From sources that nobody compiled (the test runner's), the thread is that of the build: threads take JavaScript. */
const program = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/registry/consul/check-scan-worker.js', import.meta.url)
  : new URL('./check-scan-worker.js', import.meta.url)

export function startScanner(options: ConsulClientOptions): Scanner {
  let worker: Worker | null = null

  const start = (): Worker => {
    const started = new Worker(program, {
      workerData: { ...options, maxConnections: 1 },
      // What it reads is garbage a moment later: the less of it may pile up, the less memory the thread takes.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    // A thread that dies takes its memory of the last look with it and nothing else; the next look starts another.
    const ended = (): void => {
      if (worker === started) worker = null
    }
    started.on('error', ended).on('exit', ended)
    return started
  }

  return {
    look() {
      worker ??= start()
      const asked = worker
      return new Promise<Look>((resolve, reject) => {
        const finish = (settle: () => void): void => {
          asked.off('message', answered).off('error', failed).off('exit', exited)
          settle()
        }
        const answered = (result: ScanResult): void =>
          finish(() => ('failed' in result ? reject(new Error(result.failed)) : resolve(result)))
        const failed = (error: Error): void => finish(() => reject(error))
        const exited = (code: number): void =>
          finish(() => reject(new Error(`the thread ended with ${code}`)))
        asked.on('message', answered).on('error', failed).on('exit', exited)
        asked.postMessage(null)
      })
    },
    async close() {
      await worker?.terminate()
    },
  }
}
