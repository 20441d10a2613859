import { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { describe, expect, test } from 'vitest'
import { addTableStream, type StreamSources } from '../../src/admin/table-stream.ts'
import type { FiguresView } from '../../src/admin/traffic-view.ts'
import type { TableView } from '../../src/admin/view.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Somebody who looks, and may stop reading. */
class Reader extends EventEmitter {
  readonly events: string[] = []
  writableNeedDrain = false

  writeHead(): void {}
  write(text: string): void {
    this.events.push(text.split('\n')[0]!.replace('event: ', ''))
  }
  end(): void {
    this.emit('close')
  }
  readAgain(): void {
    this.writableNeedDrain = false
    this.emit('drain')
  }
}

function stage(size = 10) {
  const clock = new FakeClock()
  const asked = { table: 0, figures: 0 }
  let changed: (() => void) | null = null
  let counted: (() => void) | null = null
  let figures: FiguresView | null = null
  const sources: StreamSources = {
    table() {
      asked.table++
      return { text: 'x'.repeat(size) } as unknown as TableView
    },
    subscribe(told) {
      changed = told
      return () => {
        changed = null
      }
    },
    figures() {
      asked.figures++
      return figures
    },
    subscribeFigures(told) {
      counted = told
      return () => {
        counted = null
      }
    },
  }
  let open: (request: null, reply: { hijack(): { raw: Reader }; getHeaders(): object }) => void = () => {}
  let close: () => Promise<void> = async () => {}
  const app = {
    get: (_path: string, _options: object, handler: typeof open) => {
      open = handler
    },
    addHook: (_name: string, hook: typeof close) => {
      close = hook
    },
  }
  addTableStream(app as unknown as FastifyInstance, sources, clock, {})
  return {
    clock,
    asked,
    close: () => close(),
    isFollowed: () => [changed !== null, counted !== null],
    change: () => changed?.(),
    count(next: object) {
      figures = next as FiguresView
      counted?.()
    },
    look(): Reader {
      const reader = new Reader()
      open(null, { hijack: () => ({ raw: reader }), getHeaders: () => ({}) })
      return reader
    },
  }
}

describe('the events', () => {
  test('are written once for all who look, and not at all while nobody does', async () => {
    const { clock, asked, isFollowed, change, look } = stage()
    expect(isFollowed()).toEqual([false, false])
    const [one, other] = [look(), look()]
    expect([one.events, other.events, asked.table]).toEqual([['table'], ['table'], 1])
    change()
    change()
    await clock.advance(100)
    expect([one.events, other.events, asked.table]).toEqual([['table', 'table'], ['table', 'table'], 2])
    one.end()
    expect(isFollowed()).toEqual([true, true])
    other.end()
    expect([isFollowed(), clock.pending]).toEqual([[false, false], 0])
  })

  test('of a large table come less often, so that it costs no more than its share', async () => {
    const { clock, change, look } = stage(4_000_000)
    const reader = look()
    change()
    await clock.advance(900)
    expect(reader.events).toHaveLength(1)
    await clock.advance(200)
    expect(reader.events).toHaveLength(2)
  })

  test('give who comes later what is true then', async () => {
    const { clock, asked, look } = stage()
    look()
    await clock.advance(5_000)
    look()
    expect(asked.table).toBe(2)
  })

  test('wait for a reader that is slow, and then it gets the newest table once', async () => {
    const { clock, change, look } = stage()
    const reader = look()
    reader.writableNeedDrain = true
    for (let i = 0; i < 5; i++) {
      change()
      await clock.advance(100)
    }
    expect(reader.events).toEqual(['table'])
    reader.readAgain()
    expect(reader.events).toEqual(['table', 'table'])
  })

  test('have the figures, at first and as they come, but not for who does not read', () => {
    const { count, look } = stage()
    const early = look()
    count({ seconds: 1 })
    const late = look()
    late.writableNeedDrain = true
    count({ seconds: 2 })
    expect([early.events, late.events]).toEqual([
      ['table', 'figures', 'figures'],
      ['table', 'figures'],
    ])
  })

  test('have large figures once in five times', () => {
    const { count, look } = stage()
    const reader = look()
    for (let i = 0; i < 10; i++) count({ text: 'x'.repeat(200_000) })
    expect(reader.events.filter((name) => name === 'figures')).toHaveLength(2)
  })

  test('say now and then that the connection lives, and end with the gateway', async () => {
    const { clock, look, close, isFollowed } = stage()
    const reader = look()
    await clock.advance(31_000)
    expect(reader.events).toEqual(['table', ': still here', ': still here'])
    await close()
    expect([isFollowed(), clock.pending]).toEqual([[false, false], 0])
  })
})
