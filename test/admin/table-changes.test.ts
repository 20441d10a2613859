import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { withChanges } from '../../src/admin/table-changes.ts'
import { addTableStream } from '../../src/admin/table-stream.ts'
import type { SequencedTable, TableChanges } from '../../src/admin/view.ts'
import type { Control } from '../../src/control.ts'
import type { Instance, ServiceInstances } from '../../src/registry/registry.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startPlanes } from '../support/planes.ts'

/** A page, as far as the table is concerned: it reads events, or lets them wait. */
class Page extends EventEmitter {
  table: SequencedTable | null = null
  octets = 0
  /** How often it had to ask for everything. */
  gaps = 0
  #waiting: string[] | null = null

  get writableNeedDrain(): boolean {
    return this.#waiting !== null
  }
  writeHead(): void {}
  write(text: string): void {
    if (this.#waiting === null) this.#read(text)
    else this.#waiting.push(text)
  }
  pause(): void {
    this.#waiting ??= []
  }
  goOn(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const text of waiting) this.#read(text)
    this.emit('drain')
  }
  #read(text: string): void {
    this.octets = Buffer.byteLength(text)
    const [, name, data = ''] = /^event: (\w+)\ndata: (.*)\n\n$/s.exec(text) ?? []
    if (name === 'table') this.table = JSON.parse(data) as SequencedTable
    if (name !== 'changes') return
    const next = withChanges(this.table!, JSON.parse(data) as TableChanges)
    if (next === null) this.gaps++
    else this.table = next
  }
}

/** Opens pages on the stream of this control plane. */
function streamOf(control: Control, clock: FakeClock): () => Page {
  let open: (request: object, reply: object) => void = () => {}
  const app = {
    get: (_path: string, _options: object, handler: typeof open) => {
      open = handler
    },
    addHook() {},
  }
  const sources = {
    plainTable: () => control.table(),
    head: () => control.head(),
    routes: (names: ReadonlySet<string>) => control.routes(names),
    subscribe: (changed: (routes: ReadonlySet<string>) => void) => control.subscribe(changed),
    figures: () => null,
    subscribeFigures: () => () => {},
  }
  addTableStream(app as unknown as FastifyInstance, sources, clock, {})
  return () => {
    const page = new Page()
    open({ headers: {} }, { hijack: () => ({ raw: page }), getHeaders: () => ({}) })
    return page
  }
}

const instanceOf = (service: string, n: number, tags: readonly string[], reason = ''): Instance => ({
  ...{ service, id: `${service}-${n}`, node: `node-${n}`, address: `10.0.0.${n}`, port: 80, tags },
  state: { routed: reason !== 'down', health: reason === '' ? 'passing' : 'critical', reason },
})

// Few of each, so that services share routes and a route comes again: shares move, and so do problems.
const tag = fc
  .tuple(
    fc.constantFrom('a.com/', 'a.com/x', '/', '/x', 'b.com/'),
    fc.constantFrom('', ' weight=0.3', ' matcher=glob', ' matcher=segment', ' strip=/x', ' weight=half'),
  )
  .map(([source, option]) => `urlprefix-${source}${option}`)
const told = fc
  .tuple(
    fc.constantFrom('s', 't', 'u'),
    fc.array(fc.tuple(fc.array(tag, { maxLength: 3 }), fc.constantFrom('', 'down', 'slow')), {
      maxLength: 3,
    }),
  )
  .map(
    ([service, all]): ServiceInstances => ({
      service,
      instances: all.map(([tags, reason], n) => instanceOf(service, n + 1, tags, reason)),
    }),
  )
const command = fc.constantFrom(
  'route add s a.com/ http://10.0.0.9:80/',
  'route add v c.com/ http://10.0.0.9:80/ opts "matcher=glob"',
  'route weight t a.com/ weight 0.2',
  'route del s',
  'route del u /x',
  '# nothing',
)
const step = fc.oneof(
  fc.record({ services: fc.array(told, { minLength: 1, maxLength: 2 }) }),
  fc.record({ commands: fc.array(command, { maxLength: 3 }) }),
  fc.record({ ms: fc.integer({ min: 1, max: 400 }) }),
  fc.constantFrom({ does: 'pause' as const }, { does: 'goOn' as const }, { does: 'look' as const }),
)

// A page that came between two changes had a problem of that moment in its table. The next changes did not say that it
// was gone: for those who were there before, it had never been.
test('whatever changes, and whoever misses some of it, in the end all have the same table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const planes = await startPlanes()
      const clock = new FakeClock()
      const look = streamOf(planes.control, clock)
      const pages = [look(), look()]
      for (const one of steps) {
        if ('services' in one) planes.tellServices(one.services)
        else if ('commands' in one) planes.tellCommands([{ name: 'team', text: one.commands.join('\n') }])
        else if ('ms' in one) await clock.advance(one.ms)
        else if (one.does === 'look') pages.push(look())
        // The first page always reads.
        else pages.at(-1)![one.does]()
      }
      for (const page of pages) page.goOn()
      await clock.advance(1_000)
      const whole = JSON.parse(JSON.stringify(planes.control.table())) as object
      for (const page of pages) {
        const { sequence: _, ...table } = page.table!
        expect(table).toEqual(whole)
        expect(page.gaps).toBe(0)
        page.emit('close')
      }
    }),
    { numRuns: 150 },
  )
})

test('changes that follow another table are not taken', () => {
  const table = { sequence: 3, routes: [] } as unknown as SequencedTable
  const changes = { after: 4, sequence: 5, routes: [], gone: [] } as unknown as TableChanges
  expect(withChanges(table, changes)).toBeNull()
})

test('a change to one service of a table of 10,000 routes is told in a few thousand octets', async () => {
  const planes = await startPlanes()
  const services = Array.from({ length: 500 }, (_, s): ServiceInstances => {
    const service = `service-${s}`
    const tags = Array.from({ length: 20 }, (_, r) => `urlprefix-host-${s % 100}.example.com/path/${s}/${r}`)
    return { service, instances: [instanceOf(service, 1, tags), instanceOf(service, 2, tags)] }
  })
  planes.tellServices(services)
  expect(planes.control.table().routes).toHaveLength(10_000)
  const clock = new FakeClock()
  const page = streamOf(planes.control, clock)()
  const { service, instances } = services[7]!
  const [first, second] = instances
  planes.tellServices([{ service, instances: [{ ...first!, tags: first!.tags.slice(1) }, second!] }])
  await clock.advance(100)
  expect(page.octets).toBeLessThan(10_000)
  // Its health concerns all of its routes.
  planes.tellServices([
    { service, instances: [instanceOf(service, 1, first!.tags.slice(1), 'down'), second!] },
  ])
  await clock.advance(100)
  expect(page.octets).toBeLessThan(30_000)
  expect(page.table!.routes).toEqual(JSON.parse(JSON.stringify(planes.control.table().routes)))
})
