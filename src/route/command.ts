import type { RouteDefinition, Source } from './definition.ts'
import { sourceText } from './definition.ts'
import { LineScanner } from './line-scanner.ts'
import { quote, RouteMistake } from './mistake.ts'
import { parseOptions, settle } from './options.ts'
import { writeQuoted } from './quoted.ts'
import { checkSource, splitSource } from './source.ts'
import { parseWeight } from './weight.ts'

/** One line of the command language (fabio reference 2). */
export type Command = AddCommand | DelCommand | WeightCommand

interface Written {
  /** Where it is, for people: `line 12`, `fabio/config/team-a: line 12`. */
  readonly place: string
  /** The line as it was written, trimmed. */
  readonly text: string
}

export interface AddCommand extends Written {
  readonly kind: 'add'
  readonly definition: RouteDefinition
}

/** Takes away what all of its parts match; a service or tags are among them. */
export interface DelCommand extends Written {
  readonly kind: 'del'
  readonly service: string | null
  /** Of a service. */
  readonly source: Source | null
  /** Of a service and a source. */
  readonly url: string | null
  /** All of these. */
  readonly tags: readonly string[]
}

/** Shares a weight out evenly among the targets that match. */
export interface WeightCommand extends Written {
  readonly kind: 'weight'
  readonly service: string | null
  readonly source: Source
  /** 0: back to automatic. */
  readonly weight: number
  /** All of these. */
  readonly tags: readonly string[]
}

/** What is wrong with a line: that it is left out, or what of it is. */
export interface CommandMistake {
  /** From 1, comments and empty lines counted. */
  readonly line: number
  readonly text: string
  /** Begins with the place and has fabio's words for it where there are such (reference 2.3). */
  readonly reason: string
}

/**
 * Reads commands, one a line (fabio reference 2.1 to 2.3). Never throws: a line that is wrong costs only itself, where
 * fabio would reject them all (QUIRK-01) or lose those after a long one (QUIRK-05).
 *
 * @param document its name, for people; empty: none
 * @returns mistakes also for lines that are among the commands, where an option of them is left out or not served
 */
export function parseCommands(
  text: string,
  document = '',
): { commands: Command[]; mistakes: CommandMistake[] } {
  const commands: Command[] = []
  const mistakes: CommandMistake[] = []
  for (const [index, untrimmed] of text.split('\n').entries()) {
    const line = untrimmed.trim()
    if (line === '' || line.startsWith('#') || line.startsWith('//')) continue
    const place = `${document === '' ? '' : `${document}: `}line ${index + 1}`
    const report = (reason: string): void => {
      mistakes.push({ line: index + 1, text: line, reason: `${place}: ${reason}` })
    }
    try {
      commands.push(parseLine({ place, text: line }, report))
    } catch (error) {
      if (!(error instanceof RouteMistake)) throw error
      report(error.message)
    }
  }
  return { commands, mistakes }
}

function parseLine(written: Written, report: (reason: string) => void): Command {
  const scanner = new LineScanner(written.text)
  const [route, verb] = scanner.peek(2)
  if (route === 'route' && verb !== undefined && Object.hasOwn(verbs, verb)) {
    scanner.skip(2)
    return verbs[verb]!(scanner, written, report)
  }
  const got = quote([route, verb].filter((word) => word !== undefined).join(' '))
  throw new RouteMistake(
    `syntax error: 'route' expected: expected "route add", "route del" or "route weight", got ${got}`,
  )
}

type ParseVerb = (scanner: LineScanner, written: Written, report: (reason: string) => void) => Command

const verbs: Readonly<Record<string, ParseVerb>> = {
  add: parseAdd,
  del: parseDel,
  weight: parseWeightCommand,
}

/** `route add <svc> <src> <dst> [weight <w>] [tags "<t>,..."] [opts "<k=v> ..."]` */
function parseAdd(scanner: LineScanner, written: Written, report: (reason: string) => void): AddCommand {
  const invalid = mistakeIn('add', scanner)
  const service = scanner.word() ?? invalid('a service')
  const source = checkSource(splitSource(scanner.word() ?? invalid('a source after the service')))
  const url = scanner.word() ?? invalid('a destination after the source')
  const weight = scanner.keyword('weight') ? readWeight(scanner) : 0
  const tags = scanner.keyword('tags') ? readTags(scanner, invalid) : []
  const words = scanner.keyword('opts') ? (scanner.quoted() ?? invalid('options in quotes after "opts"')) : ''
  if (!scanner.isAtEnd) invalid('nothing but weight, tags and opts in this order')
  const parsed = parseOptions(words.split(/\s+/u).filter((word) => word !== ''))
  const { options, unserved } = settle(source, url, parsed)
  for (const reason of parsed.dropped) report(`${reason}; the route is served without it`)
  for (const reason of parsed.closed) report(`${reason}; the route is closed`)
  if (unserved !== null && parsed.closed.length === 0) report(unserved)
  const { optionText } = parsed
  return {
    kind: 'add',
    ...written,
    definition: {
      service,
      instance: '',
      source,
      url,
      weight,
      tags: tags.filter((tag) => tag !== ''),
      options,
      optionText,
      healthy: true,
      origin: 'command',
      unserved,
    },
  }
}

/** `route del <svc> [<src> [<dst>]]`, `route del [<svc>] tags "<t>,..."` */
function parseDel(scanner: LineScanner, written: Written): DelCommand {
  const invalid = mistakeIn('del', scanner)
  const service = scanner.isAtClause('tags') ? null : (scanner.word() ?? invalid('a service or tags'))
  if (scanner.isAtClause('tags')) {
    scanner.skip(1)
    const tags = wholeTags(readTags(scanner, invalid), invalid)
    if (!scanner.isAtEnd) invalid('nothing after the tags')
    // Without this, a line that names nothing would take away everything.
    if (service === null && tags.length === 0) invalid('a service or a tag')
    return { kind: 'del', ...written, service, source: null, url: null, tags }
  }
  const source = scanner.word()
  const url = scanner.word()
  if (!scanner.isAtEnd) invalid('nothing after the destination')
  return {
    kind: 'del',
    ...written,
    service,
    source: source === null ? null : splitSource(source),
    url,
    tags: [],
  }
}

/** `route weight <svc> <src> weight <w> [tags "<t>,..."]`, `route weight <src> weight <w> tags "<t>,..."` */
function parseWeightCommand(scanner: LineScanner, written: Written): WeightCommand {
  const invalid = mistakeIn('weight', scanner)
  const [, second, third] = scanner.peek(3)
  if (second !== 'weight' && third !== 'weight') {
    scanner.skip(1)
    if (second !== undefined) scanner.skip(1)
    invalid('"weight" after the source')
  }
  const service = third === 'weight' ? scanner.word() : null
  const source = splitSource(scanner.word()!)
  scanner.skip(1)
  const weight = readWeight(scanner)
  const hasTags = scanner.keyword('tags')
  if (service === null && !hasTags) invalid('a service before the source, or tags after the weight')
  const tags = hasTags ? wholeTags(readTags(scanner, invalid), invalid) : []
  if (!scanner.isAtEnd) invalid('nothing but tags after the weight')
  return { kind: 'weight', ...written, service, source, weight, tags }
}

type Invalid = (expected: string) => never

const mistakeIn =
  (verb: string, scanner: LineScanner): Invalid =>
  (expected) => {
    throw new RouteMistake(
      `syntax error: 'route ${verb}' invalid: expected ${expected}, got ${scanner.found()}`,
    )
  }

function readWeight(scanner: LineScanner): number {
  const found = scanner.found()
  const weight = parseWeight(scanner.word() ?? '')
  if (weight === null) {
    throw new RouteMistake(
      `syntax error: weight value invalid: expected a number after "weight", got ${found}`,
    )
  }
  return weight
}

/** Split at commas and trimmed; of `tags ""`, none. */
function readTags(scanner: LineScanner, invalid: Invalid): string[] {
  const text = scanner.quoted() ?? invalid('tags in quotes after "tags"')
  return text === '' ? [] : text.split(',').map((tag) => tag.trim())
}

/** An empty tag selects nothing that anybody meant, and left out it would select more. */
const wholeTags = (tags: string[], invalid: Invalid): string[] =>
  tags.includes('') ? invalid('no empty tag among the tags') : tags

/** The line that makes the command. Reading it gives the same command, but for where it is. */
export function printCommand(command: Command): string {
  switch (command.kind) {
    case 'add':
      return printDefinition(command.definition)
    case 'del': {
      const { service, source, url, tags } = command
      return joined(
        'route del',
        service,
        source === null ? null : sourceText(source),
        url,
        tags.length === 0 ? null : printTags(tags),
      )
    }
    case 'weight': {
      const { service, source, weight, tags } = command
      const clause = tags.length === 0 && service !== null ? null : printTags(tags)
      return joined('route weight', service, sourceText(source), `weight ${weight}`, clause)
    }
  }
}

/** A definition as the `route add` that would make it (fabio reference 2.2). */
export const printDefinition = ({ source, weight, ...definition }: RouteDefinition): string =>
  printRoute({ ...definition, source: sourceText(source), weight: weight > 0 ? String(weight) : '' })

/** A `route add`; of the weight its text, empty for none. */
export const printRoute = (route: {
  readonly service: string
  readonly source: string
  readonly url: string
  readonly weight: string
  readonly tags: readonly string[]
  readonly optionText: string
}): string =>
  joined(
    'route add',
    printWord(route.service),
    printWord(route.source),
    route.url,
    route.weight === '' ? null : `weight ${route.weight}`,
    route.tags.length > 0 ? printTags(route.tags) : null,
    route.optionText === '' ? null : `opts ${writeQuoted(route.optionText)}`,
  )

/** A service's name in Consul may have white space, which no command can say: then at least it stays one word. */
const printWord = (word: string): string =>
  /\s/u.test(word)
    ? word.replace(/\s/gu, (space) => writeQuoted(space).slice(1, -1).replace(' ', '\\x20'))
    : word

const printTags = (tags: readonly string[]): string => `tags ${writeQuoted(tags.join(','))}`

const joined = (...parts: readonly (string | null)[]): string =>
  parts.filter((part) => part !== null).join(' ')
