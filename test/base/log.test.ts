import { describe, expect, test } from 'vitest'
import { createLog, type Log, type LogOptions } from '../../src/base/log.ts'
import { FakeClock } from '../support/fake-clock.ts'

function logging(options: Partial<LogOptions> = {}, worker: number | null = null) {
  const lines: string[] = []
  const clock = new FakeClock()
  const log = createLog(
    { level: 'INFO', format: 'plain', limit: 5, ...options },
    { clock, write: (line) => lines.push(line), worker },
  )
  return { log, clock, lines }
}

const say = (log: Log, count: number, code = 'ejected'): void => {
  for (let i = 0; i < count; i++) log.warn('upstream', code, `line ${i}`)
}

describe('a line', () => {
  test('is plain as in fabio, with area and code', () => {
    const { log, lines } = logging()
    log.warn('consul', 'contact-lost', 'no answer')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[WARN\] consul: no answer \(contact-lost\)\n$/,
    )
  })

  test('is JSON when that is asked for, and names its process', () => {
    const { log, lines } = logging({ format: 'json' }, 2)
    log.error('proxy', 'internal', 'a "quoted"\nword')
    expect(JSON.parse(lines[0]!)).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'error',
      worker: 2,
      area: 'proxy',
      code: 'internal',
      text: 'a "quoted"\nword',
    })
    expect(lines[0]!.trimEnd()).not.toContain('\n')
  })

  test('of a worker says so in plain form too', () => {
    const { log, lines } = logging({}, 2)
    log.info('proxy', 'listening', 'on :9999')
    expect(lines[0]).toContain('[INFO] proxy: worker 2: on :9999 (listening)')
  })

  test('below the level is not written', () => {
    const { log, lines } = logging({ level: 'ERROR' })
    log.warn('a', 'b', 'c')
    log.error('a', 'b', 'c')
    expect(lines).toHaveLength(1)
  })

  test('cannot be forged by what somebody else wrote in it', () => {
    const { log, lines } = logging()
    log.info('consul', 'check', 'output: ok\n2026/03/04 05:06:07 [ERROR] gateway: gone\u001b[2J\ttab')
    expect(lines[0]!.split('\n')[1]).toBe('  2026/03/04 05:06:07 [ERROR] gateway: gone\\x1b[2J tab (check)')
  })
})

describe('what is said too often', () => {
  test('is left out, and how often is told before the next one that is not', async () => {
    const { log, clock, lines } = logging()
    say(log, 150)
    expect(lines).toHaveLength(50)
    await clock.advance(2_000)
    say(log, 1)
    expect(lines).toHaveLength(52)
    expect(lines[50]).toContain(
      '[WARN] log: 100 more lines like upstream: … (ejected) within 2.0 s (left-out)',
    )
    expect(lines[51]).toContain('line 0')
  })

  test('is told after ten seconds where nothing follows, and nothing waits then', async () => {
    const { log, clock, lines } = logging()
    say(log, 51)
    await clock.advance(10_000)
    expect(lines.at(-1)).toContain('1 more line like upstream: … (ejected) within 10.0 s')
    expect(clock.pending).toBe(0)
  })

  test('goes on at the rate that was asked for', async () => {
    const { log, clock, lines } = logging({ limit: 2 })
    for (let second = 0; second < 60; second++) {
      say(log, 100)
      await clock.advance(1_000)
    }
    const own = lines.filter((line) => line.includes('(ejected)') && !line.includes('more line'))
    expect(own.length).toBeLessThanOrEqual(50 + 2 * 60)
    expect(own.length).toBeGreaterThanOrEqual(50 + 2 * 59 - 2)
    const told = lines.map((line) => Number(/log: (\d+) more/.exec(line)?.[1] ?? 0))
    const leftOut = told.reduce((sum, count) => sum + count, 0)
    expect(own.length + leftOut).toBeGreaterThan(5_800)
  })

  test('does not keep other codes from being said', () => {
    const { log, lines } = logging()
    say(log, 500)
    log.warn('consul', 'contact-lost', 'no answer')
    expect(lines.at(-1)).toContain('(contact-lost)')
  })

  test('is all said without a limit, and at level DEBUG in any case', () => {
    const { log, lines } = logging({ limit: 0 })
    say(log, 500)
    expect(lines).toHaveLength(500)
    const { log: debugging, lines: all } = logging({ level: 'DEBUG' })
    for (let i = 0; i < 500; i++) debugging.debug('proxy', 'retry', 'again')
    expect(all).toHaveLength(500)
  })

  test('costs no budget where nobody hears it', () => {
    const { log, lines } = logging({ level: 'ERROR' })
    say(log, 500)
    for (let i = 0; i < 50; i++) log.error('upstream', 'ejected', 'now')
    expect(lines).toHaveLength(50)
  })
})
