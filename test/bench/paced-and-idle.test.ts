import { describe, expect, test } from 'vitest'
import { hostOf } from '../../bench/cases.ts'
import { parseLog } from '../../bench/load/h2load.ts'
import { openFiles, parseResident, residentKiB } from '../../bench/memory.ts'
import { routesFile } from '../../bench/peers/gatehouse.ts'
import { isFlat } from '../../bench/soak/flat.ts'
import { parseCommands } from '../../src/route/command.ts'

describe('the log of h2load', () => {
  /** One request each 10 ms for 4 s, which took `ms`. */
  const log = (ms: (n: number) => number, status = (_n: number): number => 200): string =>
    Array.from({ length: 400 }, (_, n) => `${1e15 + n * 10_000}\t${status(n)}\t${ms(n) * 1_000}\n`).join('')

  test('gives the latencies of the window behind the first second', () => {
    const text = log((n) => (n < 100 ? 500 : n % 100 === 0 ? 9 : 1))
    expect(parseLog(text, 2)).toEqual({ requests: 200, seconds: 2, p50: 1, p99: 9, errors: 0, refused: 0 })
  })

  test('counts answers that are not 2xx and those that never came', () => {
    const text = log(
      () => 1,
      (n) => (n === 150 ? 503 : n === 160 ? 65_535 : 200),
    )
    expect(parseLog(text, 2)).toMatchObject({ errors: 1, refused: 1 })
  })

  test.each(['', 'start\tstatus\tduration\n', '1\t2\n'])('%j is refused', (text) => {
    expect(() => parseLog(text, 1)).toThrow(/^h2load: expected /)
  })
})

describe('memory', () => {
  test('of this process and its files is found', () => {
    expect(residentKiB(process.pid)).toBeGreaterThan(10_000)
    expect(openFiles(process.pid)).toBeGreaterThan(3)
  })

  test('that /proc does not state is an error', () => {
    expect(parseResident('VmPeak:\t 9 kB\nVmRSS:\t   1234 kB\nRssAnon:\t 5 kB\n')).toBe(1234)
    expect(() => parseResident('VmPeak:\t 9 kB\n')).toThrow(/expected a line VmRSS/)
  })

  const samples = (rss: (n: number) => number) =>
    Array.from({ length: 40 }, (_, n) => ({ requests: n, rssMiB: rss(n), files: 30 }))
  test.each<[string, (n: number) => number, boolean]>([
    ['that stays is flat', () => 100, true],
    ['that grows in the beginning only is flat', (n) => Math.min(100, 50 + 10 * n), true],
    ['that swings is flat', (n) => 100 + 10 * (n % 3), true],
    ['that grows and grows is not', (n) => 100 + 2 * n, false],
  ])('%s', (_what, rss, expected) => {
    expect(isFlat(samples(rss)).isFlat).toBe(expected)
  })
})

test('a table of routes has one for each host, and no mistake', () => {
  const { commands, mistakes } = parseCommands(routesFile(1_000, 8080))
  expect(mistakes).toEqual([])
  const hosts = new Set(commands.map((each) => (each.kind === 'add' ? each.definition.source.host : '')))
  expect([hosts.size, hosts.has(hostOf(0)), hosts.has(hostOf(999))]).toEqual([1_000, true, true])
})
