import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../src/base/errors.ts'
import { runCost } from './cost.ts'
import { runHalfLoad } from './half-load.ts'
import { runIdle } from './idle.ts'
import { runAccept } from './micro/accept.ts'
import { matchReport } from './micro/match.ts'
import { observerReport } from './micro/observer.ts'
import { runWorkers } from './micro/workers.ts'
import { type BenchOptions, parseOptions, UsageError, usage } from './options.ts'
import { runSideBySide } from './side-by-side.ts'

// `npm run bench`: compiled to .cache/build/bench/run.js and run from there.

const compiled = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(usage)
    return 0
  }
  if (options.micro === 'match' || options.micro === 'observer') {
    process.stdout.write(options.micro === 'match' ? matchReport() : observerReport())
    return 0
  }
  if (process.platform !== 'linux') {
    throw new Error(`expected Linux, got ${process.platform}: CPU time is read from /proc`)
  }
  if (!existsSync(join(root, 'dist/main.js'))) {
    throw new Error('expected dist/main.js, found none: run "npm run build" first')
  }
  const stop = stopSignal()
  try {
    const run = runOf(options)
    await run(options, {
      env: process.env,
      node: process.execPath,
      root,
      compiled,
      print: (text) => process.stdout.write(text),
      progress: (text) => process.stderr.write(`${text}\n`),
      stop,
      atExit: (run) => process.on('exit', run),
    })
    return 0
  } catch (error) {
    if (!stop.aborted) throw error
    process.stderr.write(`bench: ${messageOf(stop.reason)}\n`)
    return 130
  }
}

/** Which of the benchmarks is asked for. */
function runOf({ micro, idle, half, cost }: BenchOptions): typeof runSideBySide {
  if (micro === 'accept') return runAccept
  if (micro === 'workers') return runWorkers
  if (cost) return runCost
  if (idle !== null) return runIdle
  return half ? runHalfLoad : runSideBySide
}

function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
  }
  return stop.signal
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const mistakes = error instanceof UsageError ? error.mistakes : [messageOf(error)]
    for (const mistake of mistakes) process.stderr.write(`bench: ${mistake}\n`)
    process.exit(error instanceof UsageError ? 2 : 1)
  },
)
