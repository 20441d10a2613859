import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LineSink, LineWriter } from '../../src/observe/access-log/line-writer.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A sink that is done when the test says so. */
class SlowSink implements LineSink {
  readonly pieces: { lines: string; count: number }[] = []
  isClosed = false
  #done: ((lost: number) => void) | null = null

  write(lines: string, count: number, done: (lost: number) => void): void {
    if (this.#done !== null) throw new Error('a second piece before the first was done')
    this.pieces.push({ lines, count })
    this.#done = done
  }

  get isBusy(): boolean {
    return this.#done !== null
  }

  isDone(lost = 0): void {
    const done = this.#done!
    this.#done = null
    done(lost)
  }

  reopen(): void {}

  close(): void {
    this.isClosed = true
  }
}

function writing(limit = 1_000_000) {
  const sink = new SlowSink()
  const clock = new FakeClock()
  return { sink, clock, writer: new LineWriter(sink, limit, clock) }
}

describe('lines', () => {
  test('are gathered for a fifth of a second, and written in one piece', async () => {
    const { sink, clock, writer } = writing()
    writer.add('a')
    writer.add('b')
    await clock.advance(199)
    expect(sink.pieces).toEqual([])
    await clock.advance(1)
    expect(sink.pieces).toEqual([{ lines: 'a\nb\n', count: 2 }])
    sink.isDone()
    expect(writer.written).toBe(2)
    expect(clock.pending).toBe(0)
  })

  test('are written at once when there are many', () => {
    const { sink, clock, writer } = writing()
    for (let i = 0; i < 1_000; i++) writer.add('x'.repeat(99))
    expect(sink.pieces[0]!.lines.length).toBeGreaterThanOrEqual(64 * 1024)
    expect(clock.pending).toBe(0)
  })

  test('that come while the sink is busy are written when it is done', () => {
    const { sink, writer } = writing()
    for (let i = 0; i < 700; i++) writer.add('x'.repeat(99))
    expect(sink.pieces).toHaveLength(1)
    sink.isDone()
    expect(sink.pieces).toHaveLength(2)
  })

  test('for which there is no room are dropped and counted, and nothing waits for them', () => {
    const { sink, writer } = writing(70_000)
    for (let i = 0; i < 2_000; i++) writer.add('x'.repeat(99))
    expect(writer.dropped).toBeGreaterThan(0)
    expect(writer.waiting).toBeLessThanOrEqual(70_000)
    while (sink.isBusy) sink.isDone()
    const written = sink.pieces.reduce((sum, { count }) => sum + count, 0)
    expect(written + writer.dropped).toBe(2_000)
    expect(writer.written).toBe(written)
    // There is room again.
    for (let i = 0; i < 660; i++) writer.add('y'.repeat(99))
    expect(sink.isBusy).toBe(true)
  })

  test('that could not be written are lost, and counted as dropped', async () => {
    const { sink, clock, writer } = writing()
    writer.add('a')
    writer.add('b')
    writer.add('c')
    await clock.advance(200)
    sink.isDone(2)
    expect([writer.written, writer.dropped]).toEqual([1, 2])
  })

  test('none is written twice, none in two pieces, none forgotten, whatever happens', async () => {
    const step = fc.constantFrom('add', 'add', 'add', 'done', 'pass')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        const { sink, clock, writer } = writing(60)
        let added = 0
        for (const what of steps) {
          if (what === 'add') writer.add(`line ${added++}`)
          if (what === 'done' && sink.isBusy) sink.isDone()
          if (what === 'pass') await clock.advance(200)
        }
        const closed = writer.close(1_000)
        while (sink.isBusy) sink.isDone()
        await closed
        const lines = sink.pieces.flatMap(({ lines: piece }) => piece.split('\n').slice(0, -1))
        expect(lines.every((line) => /^line \d+$/.test(line))).toBe(true)
        expect(new Set(lines).size).toBe(lines.length)
        expect(lines.length + writer.dropped).toBe(added)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the end', () => {
  test('waits for what is left', async () => {
    const { sink, writer } = writing()
    writer.add('a')
    const closed = writer.close(1_000)
    expect(sink.isClosed).toBe(false)
    sink.isDone()
    await closed
    expect(sink.isClosed).toBe(true)
  })

  test('does not wait for a sink that hangs', async () => {
    const { sink, clock, writer } = writing()
    writer.add('a')
    const closed = writer.close(1_000)
    await clock.advance(1_000)
    await closed
    expect(sink.isClosed).toBe(true)
  })
})
