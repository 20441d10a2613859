import { printDefinition } from '../route/command.ts'
import { isServed, type RouteDefinition } from '../route/definition.ts'

/** Commands that come and go. */
export interface LineDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** What is served after and was not before, and the other way round, as commands. */
export function lineDiff(before: readonly RouteDefinition[], after: readonly RouteDefinition[]): LineDiff {
  const old = new Set(before.filter(isServed).map(printDefinition))
  const fresh = new Set(after.filter(isServed).map(printDefinition))
  return {
    added: [...fresh].filter((line) => !old.has(line)),
    removed: [...old].filter((line) => !fresh.has(line)),
  }
}
