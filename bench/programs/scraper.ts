import { get } from 'node:http'
import { endWithParent, portArgument } from './child.ts'

// Reads /metrics of the port once in a second, as Prometheus would, and says how much it was.
endWithParent()
const port = portArgument()
const everyMs = 1_000

const scrape = (): Promise<number> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/metrics', agent: false }, (answer) => {
      let octets = 0
      answer.on('data', (chunk: Buffer) => {
        octets += chunk.length
      })
      answer.on('error', reject)
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(octets) : reject(new Error(`status ${answer.statusCode}`)),
      )
    }).on('error', reject)
  })

for (let n = 1; ; n++) {
  const due = performance.now() + everyMs
  process.stdout.write(`scrape ${n}: ${await scrape()} octets\n`)
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
}
