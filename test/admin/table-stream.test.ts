import { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { describe, expect, test } from 'vitest'
import { addTableStream, type StreamSources } from '../../src/admin/table-stream.ts'
import type { FiguresView } from '../../src/admin/traffic-view.ts'
import type { RouteView, TableView } from '../../src/admin/view.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Somebody who looks, and may stop reading. */
class Reader extends EventEmitter {
  readonly events: string[] = []
  readonly texts: string[] = []
  writableNeedDrain = false

  writeHead(): void {}
  write(text: string): void {
    this.texts.push(text)
    this.events.push(text.split('\n')[0]!.replace('event: ', ''))
  }
  end(): void {
    this.emit('close')
  }
  destroy(): void {
    this.end()
  }
  readAgain(): void {
    this.writableNeedDrain = false
    this.emit('drain')
  }
  last(): { after: number; sequence: number; routes: RouteView[]; gone: string[]; problems?: unknown } {
    return JSON.parse(this.texts.at(-1)!.split('data: ')[1]!) as ReturnType<Reader['last']>
  }
}

class FakeReply {
  status = 0
  readonly #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  hijack(): { raw: Reader } {
    return { raw: this.#reader }
  }
  getHeaders(): object {
    return {}
  }
  header(): this {
    return this
  }
  code(status: number): this {
    this.status = status
    return this
  }
  type(): this {
    return this
  }
  send(): this {
    return this
  }
}

/** A table of `hosts`, each with one route whose path is as long as the test wants. */
function stage(...hosts: string[]) {
  const clock = new FakeClock()
  const asked = { table: 0, routes: 0, figures: 0 }
  let changed: ((routes: ReadonlySet<string>) => void) | null = null
  let counted: (() => void) | null = null
  let figures: FiguresView | null = null
  const table = new Map(hosts.map((host) => [` ${host}/`, { host, path: '/', targets: [] } as RouteView]))
  let problems: TableView['problems'] = []
  const head = () => ({ version: 1, changedAt: null, problems, registry: {} as TableView['registry'] })
  const sources: StreamSources = {
    plainTable() {
      asked.table++
      return { ...head(), routes: [...table.values()] }
    },
    head,
    routes(names) {
      asked.routes++
      return [...names].flatMap((name) => table.get(name) ?? [])
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
  let open: (request: object, reply: FakeReply) => void = () => {}
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
    /** Of the route of this host, which goes if it is there and comes if not. */
    change(host: string) {
      const name = ` ${host}/`
      if (!table.delete(name)) table.set(name, { host, path: '/', targets: [] })
      changed?.(new Set([name]))
    },
    findProblem() {
      problems = [{ service: 's', instance: 'n/s', text: 'x', reason: 'y' }]
      changed?.(new Set())
    },
    count(next: object) {
      figures = next as FiguresView
      counted?.()
    },
    look(): Reader {
      const reader = new Reader()
      open({ headers: {} }, new FakeReply(reader))
      return reader
    },
    /** The status of who is not let in; 0: he is. */
    refusal(): number {
      const reply = new FakeReply(new Reader())
      open({ headers: {} }, reply)
      return reply.status
    },
  }
}

describe('the events', () => {
  test('are written once for all who look, and not at all while nobody does', async () => {
    const { clock, asked, isFollowed, change, look } = stage('a')
    expect(isFollowed()).toEqual([false, false])
    const [one, other] = [look(), look()]
    expect([one.events, other.events, asked.table]).toEqual([['table'], ['table'], 1])
    change('b')
    change('c')
    await clock.advance(100)
    expect([one.events, other.events, asked]).toEqual([
      ['table', 'changes'],
      ['table', 'changes'],
      { table: 1, routes: 1, figures: 2 },
    ])
    expect(other.texts[1]).toBe(one.texts[1])
    one.end()
    expect(isFollowed()).toEqual([true, true])
    other.end()
    expect([isFollowed(), clock.pending]).toEqual([[false, false], 0])
  })

  test('say which routes are others, which are gone, and which table that is from', async () => {
    const { clock, change, look } = stage('a', 'b')
    const reader = look()
    change('b')
    change('c')
    await clock.advance(100)
    expect(reader.last()).toEqual({
      ...{ after: 0, sequence: 1, version: 1, changedAt: null, registry: {} },
      routes: [{ host: 'c', path: '/', targets: [] }],
      gone: [' b/'],
    })
    change('b')
    await clock.advance(100)
    expect(reader.last()).toMatchObject({ after: 1, sequence: 2, gone: [] })
  })

  test('have the problems where they are others, and not again', async () => {
    const { clock, change, findProblem, look } = stage('a')
    const reader = look()
    findProblem()
    await clock.advance(100)
    expect(reader.last().problems).toHaveLength(1)
    change('a')
    await clock.advance(100)
    expect(reader.last().problems).toBeUndefined()
  })

  test('of large changes come less often, so that they cost no more than their share', async () => {
    const { clock, change, look } = stage()
    const reader = look()
    change('x'.repeat(4_000_000))
    await clock.advance(100)
    expect(reader.events).toHaveLength(2)
    change('a')
    await clock.advance(900)
    expect(reader.events).toHaveLength(2)
    await clock.advance(200)
    expect(reader.events).toHaveLength(3)
  })

  test('give who comes later what is true then, and the others too', async () => {
    const { clock, asked, change, look } = stage('a')
    const early = look()
    look()
    expect(asked.table).toBe(1)
    change('b')
    const late = look()
    expect([early.events, early.last().sequence]).toEqual([['table', 'changes'], 1])
    expect(late.texts[0]).toContain('"host":"b"')
    expect(late.last()).toMatchObject({ sequence: 1 })
    await clock.advance(1_000)
    expect(late.events).toEqual(['table'])
  })

  test('wait for a reader that is slow, and then it gets what it has missed as one', async () => {
    const { clock, change, look } = stage('a')
    const [slow, fast] = [look(), look()]
    slow.writableNeedDrain = true
    for (const host of ['b', 'c', 'b', 'd', 'a']) {
      change(host)
      await clock.advance(100)
    }
    expect([slow.events, fast.events.length]).toEqual([['table'], 6])
    slow.readAgain()
    expect(slow.events).toEqual(['table', 'changes'])
    const { after, sequence, routes, gone } = slow.last()
    expect([after, sequence, routes.map(({ host }) => host), gone]).toEqual([
      0,
      5,
      ['c', 'd'],
      [' b/', ' a/'],
    ])
    change('e')
    await clock.advance(100)
    expect(slow.last()).toMatchObject({ after: 5, sequence: 6 })
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

  // A connection that was opened and never read had a whole table waiting for it, as long as it liked, and there was no
  // end to how many there could be.
  test('end for who does not read for two minutes, and go to no more than a hundred at a time', async () => {
    const { clock, look, refusal } = stage('a')
    const readers = Array.from({ length: 100 }, look)
    expect(refusal()).toBe(503)
    const [first, slow] = readers as [Reader, Reader]
    for (const reader of [first, slow]) reader.writableNeedDrain = true
    let isGone = false
    first.on('close', () => {
      isGone = true
    })
    await clock.advance(100_000)
    slow.writableNeedDrain = false
    expect(isGone).toBe(false)
    await clock.advance(21_000)
    expect([isGone, refusal(), refusal()]).toEqual([true, 0, 503])
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
