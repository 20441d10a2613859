import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cases } from '../../bench/cases.ts'
import { autocannon, parseAutocannon } from '../../bench/load/autocannon.ts'
import { parseWrk, wrk } from '../../bench/load/wrk.ts'

/** What wrk 4.1 prints. */
const wrkReport = (
  parts: { p50?: string; p99?: string; summary?: string; trouble?: string } = {},
): string => `\
Running 3s test @ http://127.0.0.1:34029/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.09ms    1.24ms  27.46ms   93.06%
    Req/Sec    15.30k     1.02k   16.95k    76.67%
  Latency Distribution
     50%    ${parts.p50 ?? '3.59ms'}
     75%    4.11ms
     90%    5.02ms
     99%    ${parts.p99 ?? '24.48ms'}
  ${parts.summary ?? '45675 requests in 3.00s, 8.41MB read'}
${parts.trouble ?? ''}Requests/sec:  15225.00
Transfer/sec:      2.80MB
`

describe('the report of wrk', () => {
  const good = { requests: 45_675, seconds: 3, p50: 3.59, p99: 24.48, errors: 0, refused: 0 }
  const socketErrors = '  Socket errors: connect 1, read 20, write 300, timeout 4000\n'
  const non2xx = '  Non-2xx or 3xx responses: 17\n'
  const rows: [sentence: string, text: string, expected: typeof good][] = [
    ['gives requests, time and latencies', wrkReport(), good],
    [
      'has its latencies in microseconds, seconds and minutes, too',
      wrkReport({ p50: '687.00us', p99: '1.25s' }),
      { ...good, p50: 0.687, p99: 1_250 },
    ],
    [
      'has its time in minutes, too',
      wrkReport({ summary: '7 requests in 1.50m, 2.1GB read' }),
      { ...good, requests: 7, seconds: 90 },
    ],
    ['adds up all kinds of errors', wrkReport({ trouble: socketErrors }), { ...good, errors: 4_321 }],
    ['counts answers that are not 2xx', wrkReport({ trouble: non2xx }), { ...good, refused: 17 }],
    [
      'tells errors and bad answers apart',
      wrkReport({ trouble: socketErrors + non2xx }),
      { ...good, errors: 4_321, refused: 17 },
    ],
  ]
  for (const [sentence, text, expected] of rows) {
    test(sentence, () => {
      expect(parseWrk(text)).toEqual(expected)
    })
  }

  test('gives the figures that it states', () => {
    const hundredths = fc.integer({ min: 1, max: 99_999 }).map((n) => n / 100)
    const unit = fc.constantFrom('us', 'ms', 's')
    fc.assert(
      fc.property(fc.nat(), hundredths, unit, (requests, value, unit) => {
        const text = wrkReport({
          p99: `${value.toFixed(2)}${unit}`,
          summary: `${requests} requests in 4.01s, 1.00B read`,
        })
        const result = parseWrk(text)
        expect(result.requests).toBe(requests)
        expect(result.seconds).toBeCloseTo(4.01)
        expect(result.p99).toBeCloseTo(value * { us: 0.001, ms: 1, s: 1_000 }[unit]!)
      }),
    )
  })

  const broken: [sentence: string, text: string, words: string][] = [
    [
      'without latencies',
      wrkReport().replace(/Latency Distribution[^R]*read/s, ''),
      'expected how many requests',
    ],
    ['without the 99th percentile', wrkReport().replace('99%', '98%'), 'expected the latency at 99 %'],
    ['that is none', 'unable to connect to 127.0.0.1:1 Connection refused', 'expected'],
  ]
  for (const [sentence, text, words] of broken) {
    test(`${sentence} is refused`, () => {
      expect(() => parseWrk(text)).toThrow(`wrk: ${words}`)
    })
  }
})

describe('the report of autocannon', () => {
  const report = {
    url: 'http://127.0.0.1:34029/small',
    '2xx': 44_000,
    non2xx: 0,
    errors: 0,
    timeouts: 0,
    duration: 3.02,
    latency: { average: 2.4, p50: 2, p99: 13 },
  }
  const good = { requests: 44_000, seconds: 3.02, p50: 2, p99: 13, errors: 0, refused: 0 }
  const rows: [sentence: string, report: object, expected: typeof good][] = [
    ['gives requests, time and latencies', report, good],
    ['adds up errors and time-outs', { ...report, errors: 3, timeouts: 4 }, { ...good, errors: 7 }],
    ['counts bad answers as answers', { ...report, non2xx: 10 }, { ...good, requests: 44_010, refused: 10 }],
  ]
  for (const [sentence, report, expected] of rows) {
    test(sentence, () => {
      expect(parseAutocannon(JSON.stringify(report))).toEqual(expected)
    })
  }

  for (const text of ['', 'Running 3s test', '{}', JSON.stringify({ ...report, latency: {} })]) {
    test(`that reads ${JSON.stringify(text.slice(0, 20))} is refused`, () => {
      expect(() => parseAutocannon(text)).toThrow('autocannon: expected its report as JSON, got')
    })
  }
})

describe('a load generator', () => {
  const small = cases.find(({ name }) => name === 'small')!
  const load = { port: 8080, benchCase: small, seconds: 4 }
  const fields = small.fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`])

  test('wrk gets 64 connections, one thread and the fields of a browser', async () => {
    const asked: string[][] = []
    const generator = wrk(async (command, args) => {
      asked.push([command, ...args])
      return wrkReport()
    }, '/nowhere')
    await generator.run(load)
    expect(fields.length).toBe(16)
    const settings = ['-t', '1', '-c', '64', '-d', '4s', '--timeout', '10s']
    expect(asked).toEqual([['wrk', ...settings, '--latency', ...fields, 'http://127.0.0.1:8080/small']])
  })

  test('autocannon gets the same', async () => {
    const asked: string[][] = []
    const report = { '2xx': 1, non2xx: 0, errors: 0, timeouts: 0, duration: 4, latency: { p50: 1, p99: 1 } }
    const generator = autocannon({
      run: async (command, args) => {
        asked.push([command, ...args])
        return JSON.stringify(report)
      },
      node: 'node',
      program: 'autocannon.js',
      folder: '/nowhere',
    })
    await generator.run(load)
    const settings = ['-c', '64', '-d', '4', '-m', 'GET', '--json', '--no-progress']
    expect(asked).toEqual([['node', 'autocannon.js', ...settings, ...fields, 'http://127.0.0.1:8080/small']])
  })
})
