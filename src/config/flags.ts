import { quoted } from './kind.ts'
import { suggestion } from './nearest.ts'
import { optionKeys, optionNamed, rowOf } from './options.ts'
import { boolOf } from './parsers.ts'

export interface Flags {
  /** File or URL of `-cfg`: empty where it names nothing, null where it is not given. */
  readonly cfg: string | null
  /** By the name as it was written, the last one of a repeated flag. */
  readonly values: ReadonlyMap<string, string>
  readonly help: boolean
  readonly mistakes: readonly string[]
  readonly warnings: readonly string[]
}

const helpFlags: ReadonlySet<string> = new Set(['h', 'help'])
const versionFlags: ReadonlySet<string> = new Set(['v', 'version'])

/**
 * Reads the command line, program name left out, by the rules of Go's flags (fabio reference 13.1): `-key value`,
 * `-key=value`, the same with `--`, and `-key` alone for a bool. Unlike fabio, an argument that no flag takes is a
 * mistake, and `-key false` for a bool is false: fabio reads it as true and forgets the rest (quirk 51).
 */
export function readFlags(argv: readonly string[]): Flags {
  const args = argv.filter((arg) => !arg.startsWith('-test.'))
  const values = new Map<string, string>()
  const mistakes: string[] = []
  const warnings: string[] = []
  let cfg: string | null = null
  let help = false

  let at = 0
  /** The argument after the flag, where it is there: it may be anything, even another flag's name. */
  const take = (): string | undefined => args[at++]

  while (at < args.length) {
    const arg = args[at++]!
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg)
    if (match === null) {
      if (arg === '--' && at === args.length) break
      const rest = arg === '--' ? args[at]! : arg
      mistakes.push(`argument ${quoted(rest)}: expected a flag like -proxy.addr :9999, got this`)
      break
    }
    const [, name = '', given] = match
    const key = optionNamed(name)
    if (helpFlags.has(name)) help = true
    else if (name === 'cfg') cfg = given === undefined ? (take() ?? '') : withoutQuotes(given)
    else if (key !== null && rowOf(key).kind.type === 'bool') {
      const next = args[at]
      if (given === undefined && next !== undefined && boolOf(next) !== null) {
        warnings.push(`flag -${name}: ${next} is read as its value; fabio needs -${name}=${next}`)
        values.set(name, next)
        at++
      } else values.set(name, given ?? 'true')
    } else if (key !== null) {
      const value = given ?? take()
      if (value === undefined) mistakes.push(`flag -${name}: expected a value, got nothing`)
      else values.set(name, value)
    } else if (!versionFlags.has(name)) {
      mistakes.push(`flag -${name}: unknown option${suggestion(name, optionKeys, (near) => `-${near}`)}`)
      // Its value, most probably. Else it would be told as a mistake of its own, and end the reading.
      if (given === undefined && !args[at]?.startsWith('-')) at++
    }
  }
  return { cfg, values, help, mistakes, warnings }
}

/** `-cfg='file'` may come from places that do not take the quotes away. */
function withoutQuotes(text: string): string {
  if (text.startsWith("'")) return text.replace(/^'+|'+$/g, '')
  return text.startsWith('"') ? text.replace(/^"+|"+$/g, '') : text
}

/** True for `-v`, `-version` or `--version`, wherever it stands, even as the value of another flag, as in fabio. */
export function wantsVersion(argv: readonly string[]): boolean {
  return argv.some((arg) => arg === '-v' || arg === '-version' || arg === '--version')
}

/** True for `-h`, `-help` or `--help` where a flag is expected. */
export function wantsHelp(argv: readonly string[]): boolean {
  return readFlags(argv).help
}
