import type { Matcher } from '../match/matcher.ts'
import { parseCommands } from '../route/command.ts'
import type { RouteDefinition } from '../route/definition.ts'
import { Overrides } from '../route/overrides.ts'
import { lineDiff } from './line-diff.ts'
import type { DryRunView, MistakeView } from './view.ts'

interface Document {
  readonly name: string
  readonly text: string
}

/** What is now. */
export interface DryRunState {
  /** `proxy.matcher` */
  readonly matcher: Matcher
  /** Names of the schemes of `proxy.auth`. */
  readonly authSchemes: readonly string[]
  /** What the tags make, by service. */
  readonly given: Iterable<readonly [service: string, definitions: readonly RouteDefinition[]]>
  /** In the order in which they are applied. */
  readonly documents: readonly Document[]
  /** What the table has, by service. */
  readonly published: ReadonlyMap<string, readonly RouteDefinition[]>
}

/** What the table would be with this document in place of the one of its name; nothing is changed. */
export function dryRun(
  document: Document,
  { matcher, authSchemes, given, documents, published }: DryRunState,
): DryRunView {
  const trial = new Overrides(matcher, authSchemes)
  for (const [service, definitions] of given) trial.setService(service, definitions)
  const others = documents.filter(({ name }) => name !== document.name)
  const all = [...others, document].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  trial.setCommands(all.flatMap(({ name, text }) => parseCommands(text, name).commands))

  const added: string[] = []
  const removed: string[] = []
  for (const service of new Set([...published.keys(), ...trial.services()])) {
    const diff = lineDiff(published.get(service) ?? [], trial.definitionsOf(service))
    added.push(...diff.added)
    removed.push(...diff.removed)
  }
  const own = mistakesIn(document.text, document.name)
  return { mistakes: withLater(own, trial.problems, document.name), added, removed }
}

/** Lines of a document that make no command, and what is wrong with those that make one. */
export function mistakesIn(text: string, name: string): MistakeView[] {
  const { mistakes, commands } = parseCommands(text, name)
  const lines = new Set(commands.map(({ place }) => Number(/\d+$/.exec(place)![0])))
  return mistakes.map((mistake) => ({ ...mistake, refused: !lines.has(mistake.line) }))
}

/** Some of what is wrong only shows once the lines meet the services. */
function withLater(
  own: readonly MistakeView[],
  problems: readonly { text: string; reason: string }[],
  name: string,
): MistakeView[] {
  const place = `${name}: line `
  const known = new Set(own.map(({ reason }) => reason))
  const later = problems
    .filter(({ reason }) => reason.startsWith(place) && !known.has(reason))
    .map(({ text, reason }) => ({
      line: Number.parseInt(reason.slice(place.length), 10),
      text,
      reason,
      refused: false,
    }))
  return [...own, ...later].sort((a, b) => a.line - b.line)
}
