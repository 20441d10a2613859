import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/world.ts'
import type { RouteSchema } from './openapi.ts'
import { gzipHead, packed, takesGzip } from './packed-events.ts'
import { sendText } from './requests.ts'
import { routeName } from './route-name.ts'
import { text } from './schema.ts'
import type { FiguresView } from './traffic-view.ts'
import type { RouteView, SequencedTable, TableChanges, TableView } from './view.ts'

export interface StreamSources {
  /** Without what traffic has taught: that comes with the figures. */
  plainTable(): TableView
  /** The same without its routes. */
  head(): Omit<TableView, 'routes'>
  /** Of the routes of these names (`routeName`), those that are there. */
  routes(names: ReadonlySet<string>): readonly RouteView[]
  /** Calls back after every change, with the names of the routes that may be others now; what it returns ends that. */
  subscribe(changed: (routes: ReadonlySet<string>) => void): () => void
  /** What passes through now; null: nothing can be said yet. */
  figures(): FiguresView | null
  /** Calls back whenever that is new, as long as somebody wants to know. */
  subscribeFigures(told: () => void): () => void
}

const schema: RouteSchema = {
  summary: 'The route table, then what changes in it, and what passes through, as server-sent events',
  response: {
    200: text(
      'events named "table" with the JSON of /api/table, "changes" with the routes that are others, and "figures"',
    ),
    503: text('too many look already'),
  },
  media: { 200: 'text/event-stream', 503: 'text/plain' },
}

/** @param headers of every answer of this port */
export function addTableStream(
  app: FastifyInstance,
  sources: StreamSources,
  clock: Clock,
  headers: Readonly<Record<string, string>>,
): void {
  const hub = new EventHub(sources, clock)
  app.get('/api/events', { schema }, (request, reply) => {
    if (hub.isFull) return sendText(reply.header('retry-after', '5'), 503, 'too many look at the table')
    const { raw: stream } = reply.hijack()
    const isPacked = takesGzip(String(request.headers['accept-encoding'] ?? ''))
    stream.writeHead(200, {
      // Cookies of whoever was asked about the request.
      ...(reply.getHeaders() as OutgoingHttpHeaders),
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept-encoding',
      ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
    })
    if (isPacked) stream.write(gzipHead)
    hub.add(stream, isPacked)
    return reply
  })
  app.addHook('preClose', async () => hub.end())
}

/** Changes that come within this many milliseconds of each other are sent as one. */
const gatherMs = 100
/** After large ones more are gathered: so many characters for each millisecond, that they cost no more than their share. */
const charactersPerMs = 4_000
/** A comment now and then keeps proxies from closing the stream, and shows the page that the connection lives. */
const heartbeatMs = 15_000
/** Each may have a whole table on its way, which is megabytes. */
const mostReaders = 100
/** Who has taken nothing at so many of them in a row is not there any more, or never read. */
const mostUnreadBeats = 8
/** Figures of so many characters are sent once in `largeEvery` times only. */
const largeFigures = 128 * 1024
const largeEvery = 5

interface Reader {
  readonly stream: ServerResponse
  /** It takes gzip: a large table is a twentieth then. */
  readonly isPacked: boolean
  /** Of the table that it has, with all that is on its way to it. */
  sequence: number
  /** Routes that have changed since, which it gets once it has read what it was sent; null: it keeps up. */
  missed: Set<string> | null
  /** Since it was last seen to have read everything. */
  unreadBeats: number
  cancelBeat: () => void
}

/**
 * Sends everybody who looks the whole table at first, then the routes that change, and the figures as they come. What
 * is sent is written once for all of them; while nobody looks, nothing is. Who does not keep up with the changes gets
 * them as one later: each route as it is then.
 */
class EventHub {
  readonly #sources: StreamSources
  readonly #clock: Clock
  readonly #readers = new Set<Reader>()
  #unsubscribe: (() => void)[] = []
  #cancelSend: (() => void) | null = null
  /** Of the table with all changes that were sent. */
  #sequence = 0
  /** Routes that have changed since. */
  #changed = new Set<string>()
  /** Those that were sent. */
  #problems: TableView['problems'] = []
  /** Written for a reader, and good for those that come before anything changes. */
  #table: Event | null = null
  #lastLength = 0
  #skipped = 0

  constructor(sources: StreamSources, clock: Clock) {
    this.#sources = sources
    this.#clock = clock
  }

  get isFull(): boolean {
    return this.#readers.size >= mostReaders
  }

  add(stream: ServerResponse, isPacked: boolean): void {
    if (this.#readers.size === 0) {
      this.#problems = this.#sources.head().problems
      this.#unsubscribe = [
        this.#sources.subscribe((routes) => this.#note(routes)),
        this.#sources.subscribeFigures(() => this.#sendFigures()),
      ]
    }
    const reader: Reader = {
      stream,
      isPacked,
      sequence: this.#sequence,
      missed: null,
      unreadBeats: 0,
      cancelBeat: () => {},
    }
    // A whole table that is newer than what was sent last could hold a problem that is gone with the next changes, and
    // was in none of them.
    if (this.#cancelSend !== null) {
      this.#cancelSend()
      this.#sendChanges()
    }
    reader.sequence = this.#sequence
    this.#readers.add(reader)
    stream.on('close', () => this.#leave(reader))
    this.#beatLater(reader)
    this.#table ??= eventOf('table', this.#sequenced())
    send(reader, this.#table)
    const figures = this.#sources.figures()
    if (figures !== null) send(reader, eventOf('figures', figures))
  }

  end(): void {
    for (const { stream } of this.#readers) stream.end()
  }

  #leave(reader: Reader): void {
    reader.cancelBeat()
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    for (const end of this.#unsubscribe.splice(0)) end()
    this.#cancelSend?.()
    this.#cancelSend = null
    this.#changed.clear()
    this.#table = null
  }

  #note(routes: ReadonlySet<string>): void {
    this.#table = null
    for (const name of routes) this.#changed.add(name)
    const ms = Math.max(gatherMs, this.#lastLength / charactersPerMs)
    this.#cancelSend ??= this.#clock.after(ms, () => this.#sendChanges())
  }

  #sendChanges(): void {
    this.#cancelSend = null
    const names = this.#changed
    this.#changed = new Set()
    const after = this.#sequence++
    const [changes, problems] = [this.#changesOf(names, after), this.#changedProblems()]
    const event = eventOf('changes', problems === null ? changes : { ...changes, problems })
    this.#lastLength = event.text.length
    this.#table = null
    for (const reader of this.#readers) {
      if (reader.missed === null && !reader.stream.writableNeedDrain) {
        send(reader, event)
        reader.sequence = this.#sequence
      } else this.#catchUpLater(reader, names)
    }
  }

  #catchUpLater(reader: Reader, names: ReadonlySet<string>): void {
    const { stream, missed } = reader
    if (missed !== null) {
      for (const name of names) missed.add(name)
      return
    }
    reader.missed = new Set(names)
    stream.once('drain', () => {
      const changes = this.#changesOf(reader.missed!, reader.sequence)
      reader.missed = null
      reader.sequence = this.#sequence
      send(reader, eventOf('changes', { ...changes, problems: this.#problems }))
    })
  }

  #sequenced(): SequencedTable {
    return { sequence: this.#sequence, ...this.#sources.plainTable() }
  }

  #changesOf(names: ReadonlySet<string>, after: number): TableChanges {
    const { version, changedAt, registry } = this.#sources.head()
    const routes = this.#sources.routes(names)
    const there = new Set(routes.map(routeName))
    const gone = [...names].filter((name) => !there.has(name))
    return { after, sequence: this.#sequence, version, changedAt, registry, routes, gone }
  }

  /** Null: they are what was sent last. */
  #changedProblems(): TableView['problems'] | null {
    const { problems } = this.#sources.head()
    if (JSON.stringify(problems) === JSON.stringify(this.#problems)) return null
    this.#problems = problems
    return problems
  }

  #sendFigures(): void {
    if (this.#skipped > 0) {
      this.#skipped--
      return
    }
    const figures = this.#sources.figures()
    if (figures === null) return
    const event = eventOf('figures', figures)
    if (event.text.length > largeFigures) this.#skipped = largeEvery - 1
    // What is not read now is old by the time that it is.
    for (const reader of this.#readers) if (!reader.stream.writableNeedDrain) send(reader, event)
  }

  #beatLater(reader: Reader): void {
    reader.cancelBeat = this.#clock.after(heartbeatMs, () => {
      this.#beatLater(reader)
      if (!reader.stream.writableNeedDrain) {
        reader.unreadBeats = 0
        send(reader, stillHere)
      } else if (++reader.unreadBeats >= mostUnreadBeats) reader.stream.destroy()
    })
  }
}

/** Written once, and packed once, for all who get it. */
interface Event {
  readonly text: string
  packed: Buffer | null
}

const eventOf = (name: string, value: object): Event => ({
  text: `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`,
  packed: null,
})

const stillHere: Event = { text: ': still here\n\n', packed: null }

function send({ stream, isPacked }: Reader, event: Event): void {
  if (isPacked) event.packed ??= packed(event.text)
  stream.write(isPacked ? event.packed! : event.text)
}
