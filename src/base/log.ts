import { type DestinationStream, type Level, pino } from 'pino'

/**
 * The application log. Every line has an area (`consul`, `proxy`, ...) and a stable code
 * (`tag-rejected`), so that it can be searched for and alerted on whatever its words are.
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

const two = (n: number): string => String(n).padStart(2, '0')

/** `2026/03/04 05:06:07`, local time, as fabio writes it. */
function stamp(ms: number): string {
  const d = new Date(ms)
  const day = `${d.getFullYear()}/${two(d.getMonth() + 1)}/${two(d.getDate())}`
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

/**
 * A log on `write`, one line each: `YYYY/MM/DD HH:MM:SS [LEVEL] area: text (code)` (fabio reference 10.1, with area
 * and code added).
 */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const plain: DestinationStream = {
    write(json) {
      const line = JSON.parse(json) as {
        level: number
        time: number
        area: string
        code: string
        msg: string
      }
      const name = pino.levels.labels[line.level]?.toUpperCase() ?? 'INFO'
      write(`${stamp(line.time)} [${name}] ${line.area}: ${line.msg} (${line.code})\n`)
    },
  }
  const logger = pino({ level: level.toLowerCase(), base: null }, plain)
  const at = (name: Level) => (area: string, code: string, text: string) => logger[name]({ area, code }, text)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
