import { parseArgs } from 'node:util'
import { cases } from './cases.ts'

export interface Variant {
  readonly name: string
  /** `proxy.strategy = rnd` */
  readonly lines: readonly string[]
}

/** What the command line asks for. */
export interface BenchOptions {
  /** Only the checks, nothing is timed. */
  readonly check: boolean
  /** The small benchmark to run instead; null: the proxies side by side. */
  readonly micro: (typeof micros)[number] | null
  /** Idle client connections whose memory is measured instead; null: none. */
  readonly idle: number | null
  /** Latencies at half of what the slower of two proxies can do are measured instead. */
  readonly half: boolean
  /** What access log, tracing and metrics cost is measured instead. */
  readonly cost: boolean
  /** Gatehouse with more properties, beside itself. */
  readonly variants: readonly Variant[]
  readonly cases: readonly string[]
  /** Who is measured beside gatehouse; null: whoever is installed, without caddy. */
  readonly peers: readonly string[] | null
  readonly rounds: number
  /** Length of a timed window. */
  readonly seconds: number
  /** How many times 1 s of load come before a window. */
  readonly warmUps: number
  /** The load generator; null: wrk where it is installed. */
  readonly load: 'wrk' | 'autocannon' | null
  /** The Node binary that runs gatehouse and the Node baselines; null: the one that runs this. */
  readonly node: string | null
  /** File that gets every round; null: none. */
  readonly json: string | null
}

export const peerNames = ['fastify', 'undici', 'haproxy', 'nginx', 'caddy'] as const
export type PeerName = (typeof peerNames)[number]

const caseNames: readonly string[] = cases.map(({ name }) => name)
const micros = ['match', 'accept', 'observer', 'workers'] as const
const loads = ['wrk', 'autocannon'] as const

/** CPU time is counted in ticks of 10 ms: a shorter window makes a tick too large a part of it. */
const shortestWindow = 3

export const usage = `npm run bench -- [options]

  --cases LIST    ${caseNames.join(',')} or all (default small)
  --peers LIST    ${peerNames.join(',')}, all or none (default: those of them that are
                  installed, without caddy)
  --rounds N      timed windows for each proxy and case (default 5)
  --seconds N     length of a window, at least ${shortestWindow} (default 4)
  --quick         2 rounds of ${shortestWindow} seconds after a short warm-up
  --check         only check that every proxy answers every case right
  --load NAME     ${loads.join(' or ')} (default wrk where it is installed)
  --node PATH     Node binary that runs gatehouse and the Node baselines
  --json FILE     write every round, versions and machine to FILE
  --variant NAME:LINE
                  also gatehouse with this line among its properties, as gatehouse+NAME;
                  repeat it for more lines and more variants
  --idle N        instead of all this, memory of N idle client connections
  --cost          instead of all this, what access log, tracing and metrics cost
  --half          instead of all this, latencies at half of what the slower can do
  --micro NAME    instead of all this, the small benchmark ${micros.join(', ')}
`

/** Mistakes of the command line, one sentence each. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

/** Reads the command line; null: help is asked for. Throws a UsageError with all its mistakes. */
export function parseOptions(argv: readonly string[]): BenchOptions | null {
  const values = readFlags(argv)
  if (values.help === true) return null
  const mistakes: string[] = []

  const integer = (
    name: 'rounds' | 'seconds' | 'idle',
    fallback: number,
    least: number,
    why: string,
  ): number => {
    const text = values[name]
    if (text === undefined) return fallback
    const number = /^\d{1,6}$/.test(text) ? Number(text) : -1
    if (number < least)
      mistakes.push(`--${name}: expected an integer of at least ${least}${why}, got "${text}"`)
    return number
  }
  const choice = <T extends string>(flag: 'load' | 'micro', known: readonly T[]): T | null => {
    const text = values[flag]
    if (text === undefined) return null
    const found = known.find((name) => name === text)
    if (found === undefined) mistakes.push(`--${flag}: expected one of ${known.join(', ')}, got "${text}"`)
    return found ?? null
  }
  const list = (flag: 'cases' | 'peers', known: readonly string[]): readonly string[] | null => {
    const text = values[flag]
    if (text === undefined) return null
    if (text === 'all') return known
    if (text === 'none' && flag === 'peers') return []
    const names = text.split(',')
    for (const name of names) {
      if (!known.includes(name))
        mistakes.push(`--${flag}: expected one of ${known.join(', ')}, got "${name}"`)
    }
    return known.filter((name) => names.includes(name))
  }

  const quick = values.quick === true
  const options: BenchOptions = {
    check: values.check === true,
    micro: choice('micro', micros),
    idle: values.idle === undefined ? null : integer('idle', 0, 100, ''),
    half: values.half === true,
    cost: values.cost === true,
    variants: variantsOf(values.variant ?? [], mistakes),
    cases: list('cases', caseNames) ?? (values.check === true ? caseNames : ['small']),
    peers: list('peers', peerNames),
    rounds: integer('rounds', quick ? 2 : 5, 1, ''),
    seconds: integer(
      'seconds',
      quick ? shortestWindow : 4,
      shortestWindow,
      ' (CPU time is counted in 10 ms)',
    ),
    warmUps: quick ? 1 : 3,
    load: choice('load', loads),
    node: values.node ?? null,
    json: values.json ?? null,
  }
  if (mistakes.length > 0) throw new UsageError(mistakes)
  return options
}

function variantsOf(texts: readonly string[], mistakes: string[]): Variant[] {
  const variants = new Map<string, string[]>()
  for (const text of texts) {
    const [, name, line] = /^([\w-]+):\s*([\w.]+\s*=.*)$/.exec(text) ?? []
    if (name === undefined || line === undefined)
      mistakes.push(`--variant: expected one like access:log.access.target=stdout, got "${text}"`)
    else variants.set(name, [...(variants.get(name) ?? []), line])
  }
  return [...variants].map(([name, lines]) => ({ name, lines }))
}

function readFlags(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        cases: { type: 'string' },
        peers: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean' },
        check: { type: 'boolean' },
        load: { type: 'string' },
        node: { type: 'string' },
        json: { type: 'string' },
        micro: { type: 'string' },
        idle: { type: 'string' },
        half: { type: 'boolean' },
        cost: { type: 'boolean' },
        variant: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    throw new UsageError([(error as Error).message])
  }
}
