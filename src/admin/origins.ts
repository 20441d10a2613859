import type { Command } from '../route/command.ts'
import { type RouteDefinition, sourceText } from '../route/definition.ts'

/** Of what an instance's own tag states. */
export const ofTag = 'tag'

/**
 * Where definitions come from, for people: `tag`, or the place of the command, `fabio/config/team-a: line 3`. A weight
 * that another command set does not hide who states the route.
 */
export class Origins {
  readonly #places = new Map<string, string>()

  constructor(commands: Iterable<Command>) {
    for (const command of commands) {
      if (command.kind !== 'add') continue
      const key = keyOf(command.definition)
      // Of two that say the same, the first makes the route.
      if (!this.#places.has(key)) this.#places.set(key, command.place)
    }
  }

  of(definition: RouteDefinition): string {
    return definition.origin === 'tag' ? ofTag : (this.#places.get(keyOf(definition)) ?? 'command')
  }
}

const keyOf = ({ service, source, url, tags, optionText }: RouteDefinition): string =>
  JSON.stringify([service, sourceText(source), url, tags, optionText])
