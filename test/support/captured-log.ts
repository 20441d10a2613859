import type { Log } from '../../src/base/log.ts'

/** A log that keeps its lines: `warn consul contact-lost: text`. */
export class CapturedLog implements Log {
  readonly lines: string[] = []

  debug(area: string, code: string, text: string): void {
    this.lines.push(`debug ${area} ${code}: ${text}`)
  }

  info(area: string, code: string, text: string): void {
    this.lines.push(`info ${area} ${code}: ${text}`)
  }

  warn(area: string, code: string, text: string): void {
    this.lines.push(`warn ${area} ${code}: ${text}`)
  }

  error(area: string, code: string, text: string): void {
    this.lines.push(`error ${area} ${code}: ${text}`)
  }

  /** The lines with this code. */
  of(code: string): string[] {
    return this.lines.filter((line) => line.split(':')[0]!.endsWith(` ${code}`))
  }
}
