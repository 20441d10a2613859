import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../../base/errors.ts'
import { CheckScan } from './check-scan.ts'
import { ConsulClient, type ConsulClientOptions } from './client.ts'
import type { ScanResult } from './scanner.ts'

// The thread of the check scan: a message asks for a look, the answer is a ScanResult.
const client = new ConsulClient(workerData as ConsulClientOptions)
const scan = new CheckScan()

async function look(): Promise<ScanResult> {
  try {
    const index = await client.stream('/v1/health/state/any', (piece) => scan.take(piece))
    return { changed: scan.end(), index }
  } catch (error) {
    scan.reset()
    return { failed: messageOf(error) }
  }
}

parentPort?.on('message', () => {
  void look().then((result) => parentPort?.postMessage(result))
})
