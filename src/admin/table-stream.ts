import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/world.ts'
import type { RouteSchema } from './openapi.ts'
import { text } from './schema.ts'
import type { FiguresView } from './traffic-view.ts'
import type { TableView } from './view.ts'

export interface StreamSources {
  table(): TableView
  /** Calls back after every change of the view; the returned function ends that. */
  subscribe(changed: () => void): () => void
  /** What passes through now; null: nothing can be said yet. */
  figures(): FiguresView | null
  /** Calls back whenever that is new, as long as somebody wants to know. */
  subscribeFigures(told: () => void): () => void
}

const schema: RouteSchema = {
  summary: 'The route table at first and after every change, and what passes through, as server-sent events',
  response: {
    200: text('events named "table", each with the JSON of /api/table, and "figures", about once a second'),
  },
  media: { 200: 'text/event-stream' },
}

/** @param headers of every answer of this port */
export function addTableStream(
  app: FastifyInstance,
  sources: StreamSources,
  clock: Clock,
  headers: Readonly<Record<string, string>>,
): void {
  const hub = new EventHub(sources, clock)
  app.get('/api/events', { schema }, (_request, reply) => {
    const { raw: stream } = reply.hijack()
    stream.writeHead(200, {
      // Cookies of whoever was asked about the request.
      ...(reply.getHeaders() as OutgoingHttpHeaders),
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    hub.add(stream)
    return reply
  })
  app.addHook('preClose', async () => hub.end())
}

/** Changes that come within this many milliseconds of each other are sent as one. */
const gatherMs = 100
/** Of a large table more are gathered: so many characters for each millisecond, that it costs no more than its share. */
const charactersPerMs = 4_000
/** What was written for one reader is good for another within this time, if nothing changed; milliseconds. */
const freshMs = 1_000
/** A comment now and then keeps proxies from closing the stream, and shows the page that the connection lives. */
const heartbeatMs = 15_000
/** Figures of so many characters are sent once in `largeEvery` times only. */
const largeFigures = 128 * 1024
const largeEvery = 5

interface Reader {
  readonly stream: ServerResponse
  /** It gets the newest table once it has read what it was sent. */
  isBehind: boolean
  cancelBeat: () => void
}

/**
 * Sends everybody who looks the whole table, at first and after every change, and the figures as they come. What is
 * sent is written once for all of them; while nobody looks, nothing is.
 */
class EventHub {
  readonly #sources: StreamSources
  readonly #clock: Clock
  readonly #readers = new Set<Reader>()
  #unsubscribe: (() => void)[] = []
  #cancelSend: (() => void) | null = null
  #table: { readonly text: string; readonly at: number } | null = null
  #skipped = 0

  constructor(sources: StreamSources, clock: Clock) {
    this.#sources = sources
    this.#clock = clock
  }

  add(stream: ServerResponse): void {
    if (this.#readers.size === 0) {
      this.#unsubscribe = [
        this.#sources.subscribe(() => this.#changed()),
        this.#sources.subscribeFigures(() => this.#sendFigures()),
      ]
    }
    const reader: Reader = { stream, isBehind: false, cancelBeat: () => {} }
    this.#readers.add(reader)
    stream.on('close', () => this.#leave(reader))
    this.#beatLater(reader)
    this.#sendTable(reader)
    const figures = this.#sources.figures()
    if (figures !== null) stream.write(eventText('figures', figures))
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
    this.#table = null
  }

  #changed(): void {
    const ms = Math.max(gatherMs, (this.#table?.text.length ?? 0) / charactersPerMs)
    this.#cancelSend ??= this.#clock.after(ms, () => {
      this.#cancelSend = null
      this.#table = null
      for (const reader of this.#readers) this.#sendTable(reader)
    })
  }

  #sendTable(reader: Reader): void {
    const { stream } = reader
    if (!stream.writableNeedDrain) {
      stream.write(this.#tableText())
      return
    }
    if (reader.isBehind) return
    reader.isBehind = true
    stream.once('drain', () => {
      reader.isBehind = false
      this.#sendTable(reader)
    })
  }

  #tableText(): string {
    const at = this.#clock.monotonic()
    if (this.#table === null || at - this.#table.at > freshMs) {
      this.#table = { text: eventText('table', this.#sources.table()), at }
    }
    return this.#table.text
  }

  #sendFigures(): void {
    if (this.#skipped > 0) {
      this.#skipped--
      return
    }
    const figures = this.#sources.figures()
    if (figures === null) return
    const text = eventText('figures', figures)
    if (text.length > largeFigures) this.#skipped = largeEvery - 1
    // What is not read now is old by the time that it is.
    for (const { stream } of this.#readers) if (!stream.writableNeedDrain) stream.write(text)
  }

  #beatLater(reader: Reader): void {
    reader.cancelBeat = this.#clock.after(heartbeatMs, () => {
      if (!reader.stream.writableNeedDrain) reader.stream.write(': still here\n\n')
      this.#beatLater(reader)
    })
  }
}

const eventText = (name: string, value: object): string =>
  `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`
