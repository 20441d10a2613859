import type { Log } from '../../base/log.ts'
import type { World } from '../../base/world.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { ForwardingOptions } from '../../proxy/headers.ts'
import { type AccessFormat, compileFormat, type WriteLine } from './compile-format.ts'
import { EndTime } from './end-time.ts'
import type { Entry } from './fields.ts'
import { FileSink } from './file-sink.ts'
import { type LineSink, LineWriter } from './line-writer.ts'
import { OutputSink, type WriteOut } from './output-sink.ts'
import { type SyslogTarget, syslogSink } from './syslog-sink.ts'

/** Plain data: it crosses the border of a process. */
export interface AccessLogOptions {
  readonly target:
    | { readonly kind: 'stdout' }
    | { readonly kind: 'file'; readonly path: string }
    | ({ readonly kind: 'syslog' } & SyslogTarget)
  readonly format: AccessFormat
  /** `log.access.scope`: `all` has what fabio leaves out (QUIRK-40). */
  readonly scope: 'forwarded' | 'all'
  /** `log.access.buffer`: octets that may wait. */
  readonly buffer: number
}

export interface AccessLogParts {
  readonly world: World
  readonly log: Log
  /** The process, and where its `stdout` goes. */
  readonly self: {
    readonly number: number
    readonly pid: number
    readonly hostname: string
    readonly writeOut: WriteOut
  }
}

/** One line for each request that is over. */
export class AccessLog {
  readonly #writeLine: WriteLine
  readonly #writer: LineWriter
  readonly #isAll: boolean
  readonly #entry: Entry

  constructor(options: AccessLogOptions, forwarding: ForwardingOptions, parts: AccessLogParts) {
    const { world, self } = parts
    this.#writeLine = compileFormat(options.format, forwarding)
    this.#writer = new LineWriter(sinkFor(options, parts), options.buffer, world.clock)
    this.#isAll = options.scope === 'all'
    this.#entry = {
      exchange: null as unknown as Exchange,
      duration: 0,
      end: new EndTime(world.clock),
      worker: String(self.number),
    }
  }

  get figures(): { readonly written: number; readonly dropped: number; readonly waiting: number } {
    const { written, dropped, waiting } = this.#writer
    return { written, dropped, waiting }
  }

  /** HOT: once for each request. */
  finished(exchange: Exchange, milliseconds: number): void {
    if (!this.#isAll && !isForwarded(exchange)) return
    const entry = this.#entry
    entry.exchange = exchange
    entry.duration = milliseconds
    entry.end.set(exchange.startedAt + milliseconds)
    const line = this.#writeLine(entry)
    if (line !== '') this.#writer.add(line)
  }

  reopen(): void {
    this.#writer.reopen()
  }

  /** Writes what is left, for `ms` at most. */
  close(ms: number): Promise<void> {
    return this.#writer.close(ms)
  }
}

/** What fabio has in its log (reference 6.1, QUIRK-40): no tunnels, and nothing that broke off in its middle. */
const isForwarded = ({ attempts, status, failure, answeredAt }: Exchange): boolean =>
  attempts > 0 && status !== 101 && (failure === null || answeredAt === 0)

function sinkFor({ target }: AccessLogOptions, { world, log, self }: AccessLogParts): LineSink {
  switch (target.kind) {
    case 'stdout':
      return new OutputSink(self.writeOut, log)
    case 'file':
      return new FileSink(target.path, log)
    case 'syslog':
      return syslogSink(target, self, { world, log })
  }
}
