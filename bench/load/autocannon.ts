import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bodyOf } from '../cases.ts'
import type { RunProgram } from '../processes.ts'
import { connections, fieldArguments, type LoadGenerator, type LoadResult, urlOf } from './generator.ts'

export interface AutocannonParts {
  readonly run: RunProgram
  /** The Node binary that runs it. */
  readonly node: string
  /** Its main file. */
  readonly program: string
  /** Gets the bodies to send. */
  readonly folder: string
}

/** For machines without wrk. It costs several times as much CPU, so it is saturated before a fast proxy is. */
export function autocannon({ run, node, program, folder }: AutocannonParts): LoadGenerator {
  return {
    name: 'autocannon',
    async run(load) {
      const { name, method, bodySize } = load.benchCase
      const args = [
        '-c',
        String(connections),
        '-d',
        String(load.seconds),
        '-m',
        method,
        '--json',
        '--no-progress',
      ]
      if (bodySize > 0) {
        const file = join(folder, `${name}.body`)
        await writeFile(file, bodyOf(bodySize))
        args.push('-i', file)
      }
      return parseAutocannon(await run(node, [program, ...args, ...fieldArguments(load), urlOf(load)]))
    },
  }
}

interface Report {
  readonly '2xx': number
  readonly non2xx: number
  readonly errors: number
  readonly timeouts: number
  readonly duration: number
  readonly latency: { readonly p50: number; readonly p99: number }
}

/** Reads the report of `autocannon --json`. Throws where it does not look like one. */
export function parseAutocannon(text: string): LoadResult {
  const report = readReport(text)
  const { '2xx': served, non2xx, errors, timeouts, duration, latency } = report
  return {
    requests: served + non2xx,
    seconds: duration,
    p50: latency.p50,
    p99: latency.p99,
    errors: errors + timeouts,
    refused: non2xx,
  }
}

function readReport(text: string): Report {
  let report: Partial<Report> = {}
  try {
    report = JSON.parse(text) as Partial<Report>
  } catch {
    // Said below, with what was found.
  }
  const { '2xx': served, non2xx, errors, timeouts, duration, latency } = report
  const numbers = [served, non2xx, errors, timeouts, duration, latency?.p50, latency?.p99]
  if (!numbers.every((value) => typeof value === 'number')) {
    throw new Error(`autocannon: expected its report as JSON, got ${JSON.stringify(text.slice(0, 500))}`)
  }
  return report as Report
}
