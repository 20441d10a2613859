import { describe, expect, test } from 'vitest'
import { type BenchOptions, parseOptions, UsageError } from '../../bench/options.ts'

const defaults: BenchOptions = {
  check: false,
  micro: null,
  idle: null,
  half: false,
  cost: false,
  variants: [],
  cases: ['small'],
  peers: null,
  rounds: 5,
  seconds: 4,
  warmUps: 3,
  load: null,
  node: null,
  json: null,
}
const everyCase = ['small', '64k', '1m', 'post16k', 'post1m', 'connect', 'routes', 'workers']

describe('the command line of the benchmark', () => {
  const rows: [line: string, expected: Partial<BenchOptions>][] = [
    ['', {}],
    ['--cases 64k,small', { cases: ['small', '64k'] }],
    ['--cases all', { cases: everyCase }],
    ['--rounds 7 --seconds 10', { rounds: 7, seconds: 10 }],
    ['--quick', { rounds: 2, seconds: 3, warmUps: 1 }],
    ['--quick --rounds 3', { rounds: 3, seconds: 3, warmUps: 1 }],
    ['--peers nginx,haproxy', { peers: ['haproxy', 'nginx'] }],
    ['--peers all', { peers: ['fastify', 'undici', 'haproxy', 'nginx', 'caddy'] }],
    ['--peers none', { peers: [] }],
    ['--check', { check: true, cases: everyCase }],
    ['--check --cases small', { check: true }],
    ['--load autocannon', { load: 'autocannon' }],
    ['--node /opt/node/bin/node --json out.json', { node: '/opt/node/bin/node', json: 'out.json' }],
    ['--micro match', { micro: 'match' }],
    ['--idle 10000', { idle: 10_000 }],
    ['--half', { half: true }],
    ['--cost', { cost: true }],
    ['--micro observer', { micro: 'observer' }],
    [
      '--variant a:proxy.strategy=rnd --variant b:x.y=1 --variant a:x.z=2;3',
      {
        variants: [
          { name: 'a', lines: ['proxy.strategy=rnd', 'x.z=2;3'] },
          { name: 'b', lines: ['x.y=1'] },
        ],
      },
    ],
  ]
  for (const [line, expected] of rows) {
    test(`"${line}" is read`, () => {
      expect(parseOptions(line.split(' ').filter(Boolean))).toEqual({ ...defaults, ...expected })
    })
  }

  for (const line of ['--help', '-h', '--rounds 0 -h']) {
    test(`"${line}" asks for help`, () => {
      expect(parseOptions(line.split(' '))).toBeNull()
    })
  }

  const mistakes: [line: string, mistakes: string[]][] = [
    [
      '--cases tiny',
      ['--cases: expected one of small, 64k, 1m, post16k, post1m, connect, routes, workers, got "tiny"'],
    ],
    ['--idle 10', ['--idle: expected an integer of at least 100, got "10"']],
    ['--variant rnd', ['--variant: expected one like access:log.access.target=stdout, got "rnd"']],
    ['--peers envoy', ['--peers: expected one of fastify, undici, haproxy, nginx, caddy, got "envoy"']],
    ['--rounds 0', ['--rounds: expected an integer of at least 1, got "0"']],
    ['--seconds 1', ['--seconds: expected an integer of at least 3 (CPU time is counted in 10 ms), got "1"']],
    ['--micro parse', ['--micro: expected one of match, accept, observer, workers, got "parse"']],
    [
      '--rounds 1.5 --load ab',
      [
        '--rounds: expected an integer of at least 1, got "1.5"',
        '--load: expected one of wrk, autocannon, got "ab"',
      ],
    ],
    ['--fast', ["Unknown option '--fast'"]],
  ]
  for (const [line, expected] of mistakes) {
    test(`"${line}" is refused with ${expected.length === 1 ? 'a sentence' : 'all its mistakes'}`, () => {
      const refusal = refusalOf(line.split(' '))
      expect(refusal.toSorted()).toEqual(expected.toSorted())
    })
  }
})

function refusalOf(argv: readonly string[]): readonly string[] {
  try {
    parseOptions(argv)
  } catch (error) {
    if (error instanceof UsageError) return error.mistakes
    throw error
  }
  return []
}
