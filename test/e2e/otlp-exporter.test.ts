import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/world.ts'
import { otlpExporter } from '../../src/observe/tracing/otlp-exporter.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startOrigin } from '../support/origin.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function collector(...args: Parameters<typeof startOrigin>) {
  const server = await startOrigin(...args)
  cleanups.push(() => server.close())
  return server
}

const source = { service: 'edge', hostname: 'one', worker: 1 }

// An answer was read to its end, however long that was, and each of its octets kept: whatever answered at the endpoint
// without an end took gigabytes of the gateway's memory in seconds.
describe('the answer of a collector', () => {
  test('is read as far as it can say something, and its status counts', async () => {
    let sent = 0
    const { url, received } = await collector((message, response) => {
      message.resume()
      response.writeHead(200)
      const piece = Buffer.alloc(64 * 1024, ' ')
      const goOn = (): void => {
        do sent += piece.length
        while (response.write(piece))
      }
      response.on('drain', goOn)
      goOn()
    })
    const send = otlpExporter({ endpoint: url, headers: [] }, source, systemClock)
    expect(await send([])).toEqual({ rejected: 0, error: null, mayRetry: false })
    await waitFor(() => received[0]!.socket.destroyed, { what: 'the end of the connection' })
    // What the sockets in between can take.
    expect(sent).toBeLessThan(32 * 1024 * 1024)
  })

  test('has a time limit with its body in it', async () => {
    const { url, received } = await collector((message, response) => {
      message.resume()
      response.writeHead(200).write('{')
    })
    const clock = new FakeClock()
    // It rejects where the head of the answer was not there yet.
    const sending = Promise.allSettled([otlpExporter({ endpoint: url, headers: [] }, source, clock)([])])
    await waitFor(() => received.length > 0, { what: 'the message' })
    await clock.advance(10_000)
    await waitFor(() => received[0]!.socket.destroyed, { what: 'the end of the connection' })
    await sending
    expect(clock.pending).toBe(0)
  })
})
