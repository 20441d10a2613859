import { type DestinationStream, type Level, pino } from 'pino'
import { LogLimit } from './log-limit.ts'
import type { Clock } from './world.ts'

/**
 * The application log. Every line has an area (`consul`, `proxy`, ...) and a stable code
 * (`tag-rejected`), so that it can be searched for and alerted on whatever its words are. docs/logs.md has all of them.
 */
export interface Log {
  debug(area: string, code: string, text: string): void
  info(area: string, code: string, text: string): void
  warn(area: string, code: string, text: string): void
  error(area: string, code: string, text: string): void
}

/** fabio's names of levels (reference 10.1), least important first. */
export const logLevels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['plain', 'json'] as const
export type LogFormat = (typeof logFormats)[number]

/** Plain data: it crosses the border of a process. */
export interface LogOptions {
  /** `log.level`: the least important that is written. */
  readonly level: LogLevel
  /** `log.format` */
  readonly format: LogFormat
  /** `log.limit`: lines of one code in a second, beyond a first burst; 0: no limit. */
  readonly limit: number
}

export interface LogParts {
  readonly clock: Clock
  write(line: string): void
  /** Number of the process; null: the main one. */
  readonly worker: number | null
}

const two = (n: number): string => String(n).padStart(2, '0')

/** `2026/03/04 05:06:07`, local time, as fabio writes it. */
function stamp(ms: number): string {
  const d = new Date(ms)
  const day = `${d.getFullYear()}/${two(d.getMonth() + 1)}/${two(d.getDate())}`
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

interface Line {
  readonly level: string
  readonly time: number
  readonly area: string
  readonly code: string
  readonly worker?: number
  readonly text: string
}

/**
 * `YYYY/MM/DD HH:MM:SS [LEVEL] area: text (code)` (fabio reference 10.1, with area and code added). A text of several
 * lines goes on in the next ones, as in fabio, and those are indented: what somebody else wrote in it cannot pass for a
 * line of the gateway.
 */
function plainLine({ level, time, area, code, worker, text }: Line): string {
  const from = worker === undefined ? '' : `worker ${worker}: `
  const body = printable(text).replaceAll('\n', '\n  ')
  return `${stamp(time)} [${level.toUpperCase()}] ${area}: ${from}${body} (${code})\n`
}

/** What a check has printed, or a client has sent, may have control characters: a terminal would obey them. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all but the line feed
  text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, (char) => {
    const code = char.charCodeAt(0)
    return char === '\t' ? ' ' : `\\x${code.toString(16).padStart(2, '0')}`
  })

/** `{"time":"2026-03-04T05:06:07.089Z","level":"warn","area":…,"code":…,"text":…}` */
const jsonLine = ({ time, ...line }: Line): string =>
  `${JSON.stringify({ time: new Date(time).toISOString(), ...line })}\n`

/** A log whose lines are written one by one. What is said more often than `limit` allows is counted and left out. */
export function createLog(options: LogOptions, { clock, write, worker }: LogParts): Log {
  const print = options.format === 'json' ? jsonLine : plainLine
  const destination: DestinationStream = { write: (json) => write(print(JSON.parse(json) as Line)) }
  const logger = pino(
    {
      level: options.level.toLowerCase(),
      base: worker === null ? null : { worker },
      messageKey: 'text',
      timestamp: () => `,"time":${clock.now()}`,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  )
  const limit =
    options.limit === 0
      ? null
      : new LogLimit(options.limit, clock, (key, leftOut, seconds) => {
          const [area = '', code = ''] = key.split(' ')
          const what = leftOut === 1 ? '1 more line' : `${leftOut} more lines`
          logger.warn(
            { area: 'log', code: 'left-out' },
            `${what} like ${area}: … (${code}) within ${seconds.toFixed(1)} s`,
          )
        })
  const at = (name: Level) => (area: string, code: string, text: string) => {
    // Who has switched to DEBUG wants to see everything.
    const isFree = limit === null || name === 'debug' || !logger.isLevelEnabled(name)
    if (isFree || limit.take(`${area} ${code}`)) logger[name]({ area, code }, text)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
