import { describe, expect, test } from 'vitest'
import type { Measured, Round } from '../../bench/measure.ts'
import { basesOf, renderSummaries, summarise } from '../../bench/report.ts'

/** A window of 4 s with 1,000 answers. */
const round = (cpuSeconds: number): Round => ({
  requests: 1_000,
  seconds: 4,
  p50: 2,
  p99: 10,
  errors: 0,
  refused: 0,
  cpuSeconds,
})

const measured = (name: string, ...cpu: number[]): Measured => ({ name, rounds: cpu.map(round) })

describe('the report', () => {
  const bases: [names: string[], expected: string[]][] = [
    [['gatehouse', 'fastify', 'undici', 'haproxy'], ['haproxy']],
    [
      ['gatehouse', 'fastify', 'undici', 'nginx'],
      ['fastify', 'undici'],
    ],
    [['gatehouse'], []],
    [
      ['gatehouse', 'gatehouse+access', 'haproxy'],
      ['haproxy', 'gatehouse'],
    ],
    [['gatehouse, workers 1', 'gatehouse, workers 2'], ['gatehouse, workers 1']],
  ]
  for (const [names, expected] of bases) {
    test(`of ${names.join(', ')} compares with ${expected.join(' and ') || 'nobody'}`, () => {
      expect(basesOf(names)).toEqual(expected)
    })
  }

  test('gives CPU time for a request, and ratios of the same rounds', () => {
    const [gatehouse] = summarise([
      measured('gatehouse', 0.03, 0.05, 0.04),
      measured('haproxy', 0.01, 0.02, 0.02),
    ])
    expect(gatehouse!.cpu.median).toBeCloseTo(40)
    expect(gatehouse!.cpu.low).toBeCloseTo(30)
    expect(gatehouse!.cpu.high).toBeCloseTo(50)
    expect(gatehouse!.ratios.haproxy!.median).toBeCloseTo(2)
    expect(gatehouse!.ratios.haproxy!.low).toBeCloseTo(2)
    expect(gatehouse!.ratios.haproxy!.high).toBeCloseTo(3)
    expect(gatehouse!.requestsPerSecond.median).toBe(250)
    expect(gatehouse!.core.median).toBeCloseTo(0.01)
  })

  test('is a table with a line for each proxy', () => {
    const summaries = summarise([measured('gatehouse', 0.8, 1, 1.2), measured('haproxy', 0.4, 0.4, 0.5)])
    expect(renderSummaries(summaries).split('\n')).toEqual([
      'proxy              CPU us/request          x haproxy   requests/s   p50 ms   p99 ms   core',
      'gatehouse   1000.0 [800.0-1200.0]   2.50 [2.00-2.50]          250     2.00    10.00   25 %',
      'haproxy       400.0 [400.0-500.0]                  1          250     2.00    10.00   10 %',
      '',
    ])
  })
})
