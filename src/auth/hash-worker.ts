import { parentPort } from 'node:worker_threads'
import type { Answered, Asked } from './hash-thread.ts'
import { readPasswordHash } from './password-hash.ts'

// The thread that hashes: one question after the other, each answered in its turn.
parentPort?.on('message', ({ hash, password }: Asked) => {
  const answer: Answered = readPasswordHash(hash).matches(Buffer.from(password))
  parentPort?.postMessage(answer)
})
