/** Route commands of the custom registry as text. */
export interface DecodedCommands {
  /** A line for each command, in their order: line 3 is the third one. */
  readonly text: string
  /** What could not be said in the command language, a sentence each. */
  readonly problems: readonly string[]
}

/** A value that is not what its field takes, or that no command line can hold. */
class CommandError extends Error {
  override readonly name = 'CommandError'
}

/**
 * Reads the answer of a custom registry (fabio reference 5.1) and says it in the command language (reference 2.2).
 * Throws an Error for anything but a JSON array. A command that cannot be read or said costs only itself; its line is
 * a comment then. As in fabio, the case of field names does not count, null is the same as absent, and unknown fields
 * are not looked at.
 */
export function decodeCommands(json: string): DecodedCommands {
  const list: unknown = JSON.parse(json)
  if (!Array.isArray(list)) throw new Error(`expected a JSON array of commands, got ${inWords(list)}`)
  const problems: string[] = []
  const lines = list.map((value: unknown, at) => {
    const place = `command ${at + 1}`
    try {
      return commandLine(value, (problem) => problems.push(`${place}: ${problem}`))
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      problems.push(`${place}: ${error.message}`)
      return `# ${place} was skipped`
    }
  })
  return { text: lines.join('\n'), problems }
}

type Fields = ReadonlyMap<string, unknown>

const printers: Readonly<Record<string, (fields: Fields, complain: (problem: string) => void) => string>> = {
  'route add': printAdd,
  'route del': printDel,
  'route weight': printWeight,
}

function commandLine(value: unknown, complain: (problem: string) => void): string {
  if (!isObject(value)) throw new CommandError(`expected an object, got ${inWords(value)}`)
  const fields = new Map<string, unknown>()
  for (const [name, each] of Object.entries(value)) if (each !== null) fields.set(name.toLowerCase(), each)
  const cmd = fields.get('cmd')
  if (typeof cmd !== 'string' || !Object.hasOwn(printers, cmd)) {
    throw new CommandError(`cmd: expected "route add", "route del" or "route weight", got ${inWords(cmd)}`)
  }
  return printers[cmd]!(fields, complain)
}

function printAdd(fields: Fields, complain: (problem: string) => void): string {
  const words = ['service', 'src', 'dst'].map((name) => word(fields, name))
  const weight = weightOf(fields)
  // A route without one of its tags serves all the same. Without one of its options it might serve whom it must not.
  const kept = tagsOf(fields).filter((tag) => {
    const problem = problemOfTag(tag)
    if (problem !== null) complain(`${problem}; the route does without it`)
    return problem === null
  })
  return [
    'route add',
    ...words,
    ...(weight === 0 ? [] : [`weight ${weight}`]),
    ...tagClause(kept),
    ...optionClause(fields),
  ].join(' ')
}

/** With tags the source and the destination do not count (fabio reference 2.4). */
function printDel(fields: Fields): string {
  const tags = selectingTags(fields)
  const service = word(fields, 'service', tags.length > 0 ? 'optional' : 'needed')
  if (tags.length > 0) return ['route del', service, ...tagClause(tags)].filter(Boolean).join(' ')
  const dst = word(fields, 'dst', 'optional')
  const src = word(fields, 'src', dst === '' ? 'optional' : 'needed')
  return ['route del', service, src, dst].filter(Boolean).join(' ')
}

function printWeight(fields: Fields): string {
  const tags = selectingTags(fields)
  const service = word(fields, 'service', tags.length > 0 ? 'optional' : 'needed')
  const src = word(fields, 'src')
  const clauses = [`weight ${weightOf(fields)}`, ...tagClause(tags)]
  return ['route weight', service, src, ...clauses].filter(Boolean).join(' ')
}

/** A text without white space; empty where it is absent and may be. */
function word(fields: Fields, name: string, needed: 'needed' | 'optional' = 'needed'): string {
  const value = fields.get(name) ?? ''
  if (typeof value !== 'string') throw new CommandError(`${name}: expected a text, got ${inWords(value)}`)
  if (value === '' && needed === 'needed') throw new CommandError(`${name}: expected a text, got none`)
  if (/[\s\p{Cc}]/u.test(value)) {
    throw new CommandError(`${name}: expected a text without white space, got ${quoted(value)}`)
  }
  return value
}

function weightOf(fields: Fields): number {
  const value = fields.get('weight') ?? 0
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new CommandError(`weight: expected a number, got ${inWords(value)}`)
  }
  return value
}

/** Trimmed, empty ones dropped: the command language has no other. */
function tagsOf(fields: Fields): string[] {
  const value = fields.get('tags') ?? []
  if (!Array.isArray(value)) throw new CommandError(`tags: expected an array of texts, got ${inWords(value)}`)
  return value
    .map((tag: unknown) => {
      if (typeof tag !== 'string') throw new CommandError(`tags: expected texts, got ${inWords(tag)}`)
      return tag.trim()
    })
    .filter((tag) => tag !== '')
}

/** Tags that say what a command is for: without one of them it would be for more than was meant. */
function selectingTags(fields: Fields): string[] {
  const tags = tagsOf(fields)
  for (const tag of tags) {
    const problem = problemOfTag(tag)
    if (problem !== null) throw new CommandError(problem)
  }
  return tags
}

/** A comma would make two tags of one. */
const problemOfTag = (tag: string): string | null =>
  /[,\p{Cc}\p{Zl}\p{Zp}]/u.test(tag)
    ? `tags: expected a tag without comma and control characters, got ${quoted(tag)}`
    : null

function tagClause(tags: readonly string[]): string[] {
  return tags.length === 0 ? [] : [`tags ${inQuotes(tags.join(','))}`]
}

function optionClause(fields: Fields): string[] {
  const options = fields.get('opts') ?? {}
  if (!isObject(options)) throw new CommandError(`opts: expected an object of texts, got ${inWords(options)}`)
  const pairs = Object.entries(options).map(([name, given]) => {
    const value = given ?? ''
    if (typeof value !== 'string') {
      throw new CommandError(`opts: ${quoted(name)}: expected a text, got ${inWords(value)}`)
    }
    if (name === '' || /[\s=\p{Cc}]/u.test(name)) {
      throw new CommandError(`opts: expected a name without white space and "=", got ${quoted(name)}`)
    }
    if (/[\s\p{Cc}]/u.test(value)) {
      throw new CommandError(
        `opts: ${quoted(name)}: expected a text without white space, got ${quoted(value)}`,
      )
    }
    return `${name}=${value}`
  })
  return pairs.length === 0 ? [] : [`opts ${inQuotes(pairs.join(' '))}`]
}

const inQuotes = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)

function inWords(value: unknown): string {
  if (value === undefined) return 'none'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
