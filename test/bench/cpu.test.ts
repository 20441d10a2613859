import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuSeconds, type ProcessStat, parseCpuList, parseStat, treeOf } from '../../bench/cpu.ts'

/** A line of /proc/PID/stat as Linux writes it. */
const line = (pid: number, name: string, parent: number, times: readonly number[]): string =>
  `${pid} (${name}) S ${parent} ${pid} ${pid} 34816 1234 4194304 5000 60 7 0 ${times.join(' ')} 20 0 11 0 987654 ` +
  '1073741824 12345 18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n'

describe('/proc/PID/stat', () => {
  const names = ['node', 'nginx: worker', 'a) S 1 (b', '((', '))', ' ', ')', 'MainThread']
  for (const name of names) {
    test(`of a process called "${name}" gives its parent and all its time`, () => {
      expect(parseStat(line(42, name, 7, [100, 20, 3, 1]))).toEqual({ pid: 42, parent: 7, ticks: 124 })
    })
  }

  test('is read whatever a process calls itself', () => {
    const counts = fc.array(fc.nat(), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.nat(), counts, (pid, name, parent, times) => {
        const ticks = times.reduce((sum, time) => sum + time, 0)
        expect(parseStat(line(pid, name, parent, times))).toEqual({ pid, parent, ticks })
      }),
    )
  })

  for (const text of [
    '',
    '42',
    '42 (node) S 1 2 3',
    'x (node) S 1',
    line(42, 'node', 7, [1, 2, 3, Number.NaN]),
  ]) {
    test(`that reads ${JSON.stringify(text.slice(0, 30))} is refused`, () => {
      expect(() => parseStat(text)).toThrow('/proc/PID/stat: expected "PID (name) state parent …", got')
    })
  }
})

describe('the time of a process', () => {
  const stat = (pid: number, parent: number): ProcessStat => ({ pid, parent, ticks: 1 })

  test('counts its children and theirs, and nobody else', () => {
    const all = [stat(1, 0), stat(12, 11), stat(10, 1), stat(11, 10), stat(20, 1), stat(13, 10)]
    expect(treeOf(10, all).map(({ pid }) => pid)).toEqual([10, 11, 13, 12])
  })

  test('is that of nobody when it is gone', () => {
    expect(treeOf(99, [stat(1, 0)])).toEqual([])
  })

  test('grows while it works', () => {
    const before = cpuSeconds(process.pid)
    const end = performance.now() + 5_000
    let now = before
    while (now === before && performance.now() < end) now = cpuSeconds(process.pid)
    expect(now).toBeGreaterThan(before)
  })

  test('that does not run is refused', () => {
    // The largest pid is 2^22.
    expect(() => cpuSeconds(2 ** 22 + 1)).toThrow(
      'process 4194305: expected it to run, found no such process',
    )
  })
})

describe('a list of cores', () => {
  const rows: [text: string, cores: number[]][] = [
    ['0', [0]],
    ['0-1\n', [0, 1]],
    ['0-2,5', [0, 1, 2, 5]],
    ['3,8-9,12', [3, 8, 9, 12]],
  ]
  for (const [text, cores] of rows) {
    test(`"${text.trim()}" is ${cores.join(', ')}`, () => {
      expect(parseCpuList(text)).toEqual(cores)
    })
  }

  for (const text of ['', 'a', '1-', '1,,2', '-1']) {
    test(`"${text}" is refused`, () => {
      expect(() => parseCpuList(text)).toThrow(`list of cores: expected one like 0-2,5, got "${text}"`)
    })
  }

  test('names each core of each range', () => {
    const range = fc.tuple(fc.nat(100), fc.nat(8))
    fc.assert(
      fc.property(fc.array(range, { minLength: 1 }), (ranges) => {
        const text = ranges
          .map(([first, more]) => (more === 0 ? `${first}` : `${first}-${first + more}`))
          .join(',')
        const cores = ranges.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, i) => first + i))
        expect(parseCpuList(text)).toEqual(cores)
      }),
    )
  })
})
