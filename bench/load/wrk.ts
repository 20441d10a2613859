import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bodyOf } from '../cases.ts'
import type { RunProgram } from '../processes.ts'
import {
  connections,
  fieldArguments,
  type Load,
  type LoadGenerator,
  type LoadResult,
  urlOf,
} from './generator.ts'

/** wrk's own 2 s would count slow answers as failed on a machine that others use, too. */
const patience = '10s'

/** `folder` gets the scripts that set method and body, which wrk has no options for. */
export function wrk(run: RunProgram, folder: string): LoadGenerator {
  return {
    name: 'wrk',
    async run(load) {
      const { seconds } = load
      const script = await scriptFor(load, folder)
      const args = [
        '-t',
        '1',
        '-c',
        String(connections),
        '-d',
        `${seconds}s`,
        '--timeout',
        patience,
        '--latency',
      ]
      return parseWrk(await run('wrk', [...args, ...fieldArguments(load), ...script, urlOf(load)]))
    },
  }
}

async function scriptFor({ benchCase }: Load, folder: string): Promise<string[]> {
  const { method, bodySize, name, hosts } = benchCase
  if (method === 'GET' && hosts.length === 0) return []
  const file = join(folder, `${name}.lua`)
  const body = bodySize === 0 ? '' : `wrk.body = [[\n${bodyOf(bodySize).toString('latin1')}]]\n`
  await writeFile(file, `wrk.method = "${method}"\n${body}${hosts.length === 0 ? '' : inTurn(hosts)}`)
  return ['-s', file]
}

/** Requests that are made once, and sent one after the other. */
const inTurn = (hosts: readonly string[]): string => `\
local hosts = { ${hosts.map((host) => `"${host}"`).join(', ')} }
local requests = {}
local n = 0
function init()
  for i, host in ipairs(hosts) do
    wrk.headers["Host"] = host
    requests[i] = wrk.format()
  end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
`

const inMilliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

/** Reads the report of `wrk --latency`. Throws where it does not look like one. */
export function parseWrk(text: string): LoadResult {
  const find = (what: string, pattern: RegExp): RegExpExecArray => {
    const found = pattern.exec(text)
    if (found === null) throw new Error(`wrk: expected ${what} in its report, got ${JSON.stringify(text)}`)
    return found
  }
  const latency = (percent: number): number => {
    const pattern = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm')
    const [, value, unit] = find(`the latency at ${percent} %`, pattern)
    return Number(value) * inMilliseconds[unit!]!
  }
  const [, requests, value, unit] = find(
    'how many requests it sent',
    /^\s+(\d+) requests in ([\d.]+)(us|ms|s|m),/m,
  )
  const errors = /^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/m.exec(text)
  const refused = /^\s+Non-2xx or 3xx responses: (\d+)/m.exec(text)
  return {
    requests: Number(requests),
    seconds: (Number(value) * inMilliseconds[unit!]!) / 1_000,
    p50: latency(50),
    p99: latency(99),
    errors: (errors ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0),
    refused: Number(refused?.[1] ?? 0),
  }
}
