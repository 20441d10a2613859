import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../base/errors.ts'
import { CheckScan } from './check-scan.ts'
import { ConsulClient, type ConsulClientOptions } from './client.ts'
import { digestOf } from './digest.ts'
import { servicePath } from './own-watches.ts'
import type { ScanAnswer, ScanQuestion, ScanResult } from './scanner.ts'

// The thread that looks at everything: a message is a question, each gets one answer.

// What it does can wait for those who forward requests. On Linux a thread has a priority of its own (setpriority(2)).
try {
  const [, tid] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? []
  if (tid !== undefined) setPriority(Number(tid), 5)
} catch {
  // Elsewhere it goes without.
}

const client = new ConsulClient(workerData as ConsulClientOptions)
const scan = new CheckScan()
const never = new AbortController().signal

async function look(): Promise<ScanResult> {
  try {
    const index = await client.stream('/v1/health/state/any', (piece) => scan.take(piece))
    return { kind: 'look', changed: scan.end(), index }
  } catch (error) {
    scan.reset()
    throw error
  }
}

async function read(services: readonly string[]): Promise<ScanResult> {
  const digests = services.map(async (service) => {
    const { body } = await client.read(servicePath(service), never)
    return digestOf(body)
  })
  const settled = await Promise.allSettled(digests)
  return {
    kind: 'digests',
    digests: settled.map((result) => (result.status === 'fulfilled' ? result.value : null)),
  }
}

parentPort?.on('message', ({ id, question }: { id: number; question: ScanQuestion }) => {
  const result = question.kind === 'look' ? look() : read(question.services)
  const tell = (answer: ScanAnswer): void => parentPort?.postMessage(answer)
  result.then(
    (found) => tell({ id, result: found }),
    (error: unknown) => tell({ id, result: { kind: 'failed', why: messageOf(error) } }),
  )
})
