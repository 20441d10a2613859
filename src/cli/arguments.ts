import { StartError } from '../base/errors.ts'
import { optionNamed, rowOf } from '../config/options.ts'

/** What was typed cannot be meant. */
export class UsageError extends StartError {
  override readonly exitCode = 2
}

/** Flags of a command beside the options of the gateway: `bool` stands alone, `value` takes one, `list` any number. */
export type OwnFlags = Readonly<Record<string, 'bool' | 'value' | 'list'>>

export interface CommandArguments {
  /** Those of the gateway's options, as they were. */
  readonly options: readonly string[]
  /** Values of the command's own flags, by name; of a bool that is given, an empty text. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly operands: readonly string[]
}

/**
 * Parts what a command reads itself from the gateway's options: `explain -cfg F --json /path`. Throws a UsageError.
 *
 * @param most operands that the command takes
 */
export function readArguments(argv: readonly string[], own: OwnFlags, most: number): CommandArguments {
  const options: string[] = []
  const flags = new Map<string, string[]>()
  const operands: string[] = []
  let at = 0
  while (at < argv.length) {
    const arg = argv[at++]!
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg)
    if (match === null) {
      operands.push(arg)
      continue
    }
    const [, name = '', given] = match
    const kind = Object.hasOwn(own, name) ? own[name]! : null
    if (kind === null) {
      options.push(arg)
      const key = optionNamed(name)
      const isBool = key !== null && rowOf(key).kind.type === 'bool'
      if (given === undefined && !isBool && at < argv.length && !isHelp(name)) options.push(argv[at++]!)
      continue
    }
    const value = kind === 'bool' ? (given ?? '') : (given ?? argv[at++])
    if (value === undefined) throw new UsageError(`flag --${name}: expected a value, got nothing`)
    const values = kind === 'list' ? (flags.get(name) ?? []) : []
    flags.set(name, [...values, value])
  }
  if (operands.length > most) {
    throw new UsageError(`argument ${JSON.stringify(operands[most])}: expected at most ${most}, got this`)
  }
  return { options, flags, operands }
}

const isHelp = (name: string): boolean => name === 'h' || name === 'help'
