import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/base/errors.ts'
import { type BenchCase, cases } from '../cases.ts'
import { openFiles, residentKiB } from '../memory.ts'
import { parseOptions } from '../options.ts'
import { gatehouse } from '../peers/gatehouse.ts'
import { createGenerator, describeStage, onStage, subjectOf } from '../stage.ts'
import { isFlat, type Sample } from './flat.ts'

// `npm run bench:soak`: memory over ten million requests of all kinds, with clients that leave in the middle of them.

/** Seconds of one kind of load. */
const windowSeconds = 5
const order = ['small', 'post16k', 'small', '64k', 'small', 'connect', 'small', 'post1m', 'small', '1m']
const mix: readonly BenchCase[] = order.map((name) => cases.find((each) => each.name === name)!)
/** Clients that leave in the middle of a request or an answer, between two windows. */
const leaving = 200

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { requests: { type: 'string' } } })
  const wanted = Number(values.requests ?? 10_000_000)
  if (!Number.isInteger(wanted) || wanted < 1) throw new Error('--requests: expected a number of requests')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  const samples: Sample[] = []
  const context = {
    env: process.env,
    node: process.execPath,
    root: fileURLToPath(new URL('../../../../', import.meta.url)),
    compiled: fileURLToPath(new URL('../', import.meta.url)),
    print: (text: string) => void process.stdout.write(text),
    progress: (text: string) => void process.stderr.write(`${text}\n`),
    stop: stop.signal,
    atExit: (run: () => void) => void process.on('exit', run),
  }
  await onStage(parseOptions([])!, context, async (stage) => {
    await describeStage(stage, [gatehouse])
    const { pid, port } = await subjectOf(gatehouse, stage).start()
    const generator = createGenerator(stage)
    context.print('requests   RSS MiB   files   load\n')
    for (let total = 0, n = 0; total < wanted; n++) {
      const benchCase = mix[n % mix.length]!
      const { requests, errors, refused } = await generator.run({ port, benchCase, seconds: windowSeconds })
      if (errors + refused > 0)
        throw new Error(`${benchCase.name}: ${errors} failed, ${refused} were not 2xx`)
      total += requests
      await leave(port)
      const sample = { requests: total, rssMiB: residentKiB(pid) / 1024, files: openFiles(pid) }
      samples.push(sample)
      const { rssMiB, files } = sample
      context.print(
        `${String(total).padStart(8)}   ${rssMiB.toFixed(1).padStart(7)}   ${String(files).padStart(5)}   ${benchCase.name}\n`,
      )
    }
  })
  const verdict = isFlat(samples)
  context.print(`${verdict.says}\n`)
  return verdict.isFlat ? 0 : 1
}

async function leave(port: number): Promise<void> {
  const requests = [
    'GET /1m HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin',
    'GET /small HTTP/1.1\r\nHost: a\r\nX',
  ]
  const sockets = Array.from({ length: leaving }, (_, n) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.write(requests[n % requests.length]!)
    return socket
  })
  await pause(100)
  for (const socket of sockets) socket.destroy()
  // Connections to the upstream that carried what they asked for close a moment later.
  await pause(400)
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench:soak: ${messageOf(error)}\n`)
    process.exit(1)
  },
)
