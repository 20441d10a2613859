import { Worker } from 'node:worker_threads'

/** What is asked of the thread; the answer is whether they match. */
export interface Asked {
  readonly hash: string
  readonly password: Uint8Array
}
export type Answered = boolean

/** Tells whether passwords match hashes that take long to make. */
export interface Hasher {
  /** @param hash one that `readPasswordHash` reads */
  matches(hash: string, password: Buffer): Promise<boolean>
  close(): Promise<void>
}

/** From sources that nobody compiled (the test runner's), the thread is that of the build: threads take JavaScript. */
const program = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/auth/hash-worker.js', import.meta.url)
  : new URL('./hash-worker.js', import.meta.url)

interface Waiting {
  resolve(matches: boolean): void
  reject(error: Error): void
}

/**
 * A thread in which passwords are hashed, so that no request waits for the hash of another one's password. It starts
 * with the first question and answers in the order of asking.
 */
export class HashThread implements Hasher {
  readonly #waiting: Waiting[] = []
  #worker: Worker | null = null

  matches(hash: string, password: Buffer): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker ??= this.#start()
      this.#worker.postMessage({ hash, password } satisfies Asked)
    })
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(program)
    worker.on('message', (matches: Answered) => this.#waiting.shift()?.resolve(matches))
    const ended = (error: Error): void => {
      if (this.#worker !== worker) return
      // Nobody gets an answer any more; the next question starts another thread.
      this.#worker = null
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    }
    worker.on('error', ended).on('exit', (code) => ended(new Error(`the hashing thread ended with ${code}`)))
    // It must not keep a process alive that has nothing else to do.
    worker.unref()
    return worker
  }
}
