import type { Matcher } from '../match/matcher.ts'
import type { AddCommand, Command, WeightCommand } from './command.ts'
import {
  isServed,
  matcherOf,
  type Problem,
  type RouteDefinition,
  routeKey,
  type Source,
  sourceText,
} from './definition.ts'
import { quote } from './mistake.ts'
import { isGuarded } from './options.ts'
import { globPathMistake } from './source.ts'

/**
 * The routes of all services after the commands that people wrote (fabio reference 2.4): the definitions that tags
 * make come first, then each command in its order adds to them, takes away or re-weights.
 *
 * No command ties one service to another, but for a `route weight` that names none: it shares its weight out among all
 * services of its source. So a change of one service is worked out for that service alone, and for those that share
 * such a source with it.
 */
export class Overrides {
  readonly #matcher: Matcher
  readonly #authSchemes: ReadonlySet<string>
  #commands: readonly Command[] = []
  /** Where its commands are, by service. */
  #places = new Map<string, number[]>()
  /** Where those are that may concern every service, each `route del` that names none: by the first of its tags. */
  #placesByTag = new Map<string, number[]>()
  /** Sources that a `route weight` without a service works on, with the places of the commands that name them. */
  #shared = new Map<string, number[]>()
  /** What the tags make. */
  readonly #given = new Map<string, Given>()
  /** By shared source, then service: what the tags make there. */
  #givenAt = new Map<string, Map<string, RouteDefinition[]>>()
  /** By service: what it has at sources that are not shared. */
  readonly #own = new Map<string, Outcome>()
  /** By shared source: what all services have there. */
  readonly #together = new Map<string, Outcome>()
  /** Of them, those with a mistake in them: mostly none. */
  readonly #mistaken = new Map<string, readonly Problem[]>()
  /** By service: the shared sources at which it has something. */
  readonly #sharedOf = new Map<string, Set<string>>()
  readonly #result = new Map<string, readonly RouteDefinition[]>()

  /**
   * @param matcher that of routes that name none: `proxy.matcher`
   * @param authSchemes names of the schemes of `proxy.auth`: a route with another one is closed
   */
  constructor(matcher: Matcher, authSchemes: readonly string[]) {
    this.#matcher = matcher
    this.#authSchemes = new Set(authSchemes)
  }

  /** In place of all commands before. Returns the services whose definitions are others now. */
  setCommands(commands: readonly Command[]): string[] {
    this.#commands = commands.map((command) => this.#checked(command))
    this.#indexCommands()
    this.#own.clear()
    this.#together.clear()
    this.#sharedOf.clear()
    for (const source of this.#shared.keys()) this.#workOutSource(source)
    const services = new Set([...this.#result.keys(), ...this.#given.keys(), ...this.#places.keys()])
    for (const service of services) this.#workOutService(service)
    return [...services].filter((service) => this.#assemble(service))
  }

  /**
   * In place of all definitions that the service had; of two that say the same of one instance, one counts. Returns
   * the services whose definitions are others now: this one, and rarely more.
   */
  setService(service: string, definitions: readonly RouteDefinition[]): string[] {
    const given = this.#take(definitions)
    if (given.definitions.length === 0) this.#given.delete(service)
    else this.#given.set(service, given)
    if (given.problems.length === 0) this.#mistaken.delete(service)
    else this.#mistaken.set(service, given.problems)
    this.#workOutService(service)
    const concerned = new Set([service])
    for (const source of this.#placeShared(service, given.definitions)) {
      this.#workOutSource(source)
      for (const other of this.#together.get(source)!.byService.keys()) concerned.add(other)
    }
    return [...concerned].filter((other) => this.#assemble(other))
  }

  /** By source. Empty: it has no route. */
  definitionsOf(service: string): readonly RouteDefinition[] {
    return this.#result.get(service) ?? none
  }

  /** Each service that has a definition. */
  services(): IterableIterator<string> {
    return this.#result.keys()
  }

  /** Weights that found nothing to weigh, and what `proxy.matcher` and `proxy.auth` make a mistake of. */
  get problems(): Problem[] {
    const mistakes = [...this.#mistaken.values()].flat()
    if (this.#commands.length === 0) return mistakes
    const unmatched = new Set([...this.#own.values(), ...this.#together.values()].flatMap((o) => o.unmatched))
    return [
      ...mistakes,
      ...this.#commands.flatMap((command): Problem[] => {
        if (command.kind === 'weight' && unmatched.has(command)) return [problemOf(command, noMatch(command))]
        const mistake = command.kind === 'add' ? this.#mistakeIn(command.definition) : null
        return mistake === null ? [] : [problemOf(command, mistake)]
      }),
    ]
  }

  #take(definitions: readonly RouteDefinition[]): Given {
    const problems: Problem[] = []
    const checked = definitions.map((definition) => {
      const mistake = this.#mistakeIn(definition)
      if (mistake === null) return definition
      const { service, instance, source, optionText } = definition
      const text = `${sourceText(source)} ${optionText}`.trimEnd()
      problems.push({ service, instance, text, reason: mistake })
      return { ...definition, unserved: mistake }
    })
    return { definitions: this.#distinct(checked), problems }
  }

  #checked(command: Command): Command {
    const mistake = command.kind === 'add' ? this.#mistakeIn(command.definition) : null
    if (command.kind !== 'add' || mistake === null) return command
    return { ...command, definition: { ...command.definition, unserved: mistake } }
  }

  /** What only the configuration makes a mistake of. */
  #mistakeIn(definition: RouteDefinition): string | null {
    const { auth } = definition.options
    // Its options stay, so its source stays closed.
    if (auth !== undefined && !this.#authSchemes.has(auth)) return unknownScheme(auth, this.#authSchemes)
    return matcherOf(definition, this.#matcher) === 'glob' ? globPathMistake(definition.source.path) : null
  }

  #routeOf(definition: RouteDefinition): string {
    return routeKey(definition.source, matcherOf(definition, this.#matcher))
  }

  /**
   * Of definitions that differ in their options only, fabio takes the one whose line is greater (reference 2.4, 2.5).
   * Here one that says who may use the route goes before.
   */
  #distinct(definitions: readonly RouteDefinition[]): RouteDefinition[] {
    const byIdentity = new Map<string, RouteDefinition>()
    for (const definition of definitions) {
      const { instance, url, weight, tags } = definition
      const identity = JSON.stringify([this.#routeOf(definition), instance, url, weight, tags])
      const other = byIdentity.get(identity)
      if (other === undefined || goesBefore(definition, other)) byIdentity.set(identity, definition)
    }
    return [...byIdentity.values()]
  }

  #indexCommands(): void {
    this.#places = new Map()
    this.#placesByTag = new Map()
    this.#shared = new Map()
    this.#givenAt = new Map()
    for (const [place, command] of this.#commands.entries()) {
      const service = serviceOf(command)
      if (service !== null) push(this.#places, service, place)
      else if (command.kind === 'weight') {
        this.#shared.set(sourceText(command.source), [])
        this.#givenAt.set(sourceText(command.source), new Map())
      } else if (command.kind === 'del') push(this.#placesByTag, command.tags[0] ?? '', place)
    }
    if (this.#shared.size > 0) this.#indexShared()
    for (const [service, { definitions }] of this.#given) this.#placeShared(service, definitions)
  }

  #indexShared(): void {
    for (const [place, command] of this.#commands.entries()) {
      const source = sourceOf(command)
      if (source !== null) this.#shared.get(sourceText(source))?.push(place)
    }
  }

  /** Returns the shared sources at which the service has something or had. */
  #placeShared(service: string, definitions: readonly RouteDefinition[]): string[] {
    const touched: string[] = []
    if (this.#shared.size === 0) return touched
    const bySource = grouped(definitions, (definition) => sourceText(definition.source))
    for (const [source, services] of this.#givenAt) {
      const there = bySource.get(source)
      if (there !== undefined) services.set(service, there)
      else if (!services.delete(service)) continue
      touched.push(source)
    }
    return touched
  }

  /** Works out what the service has at sources that it shares with nobody. */
  #workOutService(service: string): void {
    const isOwn = (source: Source): boolean => !this.#shared.has(sourceText(source))
    const given = this.#given.get(service)?.definitions.filter(({ source }) => isOwn(source)) ?? []
    const commands = this.#commandsFor(service, given).filter((command) => {
      const source = sourceOf(command)
      return source === null || isOwn(source)
    })
    if (given.length === 0 && commands.length === 0) this.#own.delete(service)
    else this.#own.set(service, this.#execute(commands, given))
  }

  #commandsFor(service: string, given: readonly RouteDefinition[]): readonly Command[] {
    return this.#withThoseForAll(this.#places.get(service) ?? nowhere, given)
  }

  /** Commands at a source that services share: those that name it, and those that name none and may find something. */
  #commandsAt(source: string, given: readonly RouteDefinition[]): readonly Command[] {
    const named = this.#shared.get(source)!
    const services = new Set(given.map(({ service }) => service))
    for (const place of named) services.add(serviceOf(this.#commands[place]!) ?? '')
    const ofServices = [...services].flatMap((service) => this.#places.get(service) ?? nowhere)
    return this.#withThoseForAll(
      [...named, ...ofServices.filter((place) => sourceOf(this.#commands[place]!) === null)],
      given,
    )
  }

  /**
   * In their order. Of those for all services not the ones with a tag that nothing here has: of thousands of them none
   * is looked at for most services.
   */
  #withThoseForAll(places: readonly number[], given: readonly RouteDefinition[]): readonly Command[] {
    const all = [...places]
    if (this.#placesByTag.size > 0) {
      const tags = new Set([''])
      for (const definition of given) for (const tag of definition.tags) tags.add(tag)
      for (const place of places) for (const tag of this.#tagsOf(place)) tags.add(tag)
      for (const tag of tags) {
        for (const place of this.#placesByTag.get(tag) ?? nowhere)
          if (this.#tagsOf(place).every((each) => tags.has(each))) all.push(place)
      }
    }
    return all.sort((one, other) => one - other).map((place) => this.#commands[place]!)
  }

  #tagsOf(place: number): readonly string[] {
    const command = this.#commands[place]!
    return command.kind === 'add' ? command.definition.tags : command.tags
  }

  #workOutSource(source: string): void {
    const given = [...this.#givenAt.get(source)!.values()].flat()
    const outcome = this.#execute(this.#commandsAt(source, given), given)
    for (const service of this.#together.get(source)?.byService.keys() ?? none)
      this.#sharedOf.get(service)?.delete(source)
    for (const service of outcome.byService.keys()) {
      const sources = this.#sharedOf.get(service)
      if (sources === undefined) this.#sharedOf.set(service, new Set([source]))
      else sources.add(source)
    }
    this.#together.set(source, outcome)
  }

  #execute(commands: readonly Command[], given: readonly RouteDefinition[]): Outcome {
    const routes = grouped(given, (definition) => sourceText(definition.source))
    const unmatched: WeightCommand[] = []
    for (const command of commands) {
      switch (command.kind) {
        case 'add':
          this.#add(routes, command)
          break
        case 'del': {
          const source = command.source === null ? null : sourceText(command.source)
          for (const text of source === null ? routes.keys() : [source]) {
            const left = routes.get(text)?.filter((definition) => !isSelected(definition, command))
            if (left !== undefined) routes.set(text, left)
          }
          break
        }
        case 'weight': {
          const text = sourceText(command.source)
          const weighed = this.#weigh(routes.get(text) ?? [], command)
          if (weighed === null) unmatched.push(command)
          else routes.set(text, weighed)
        }
      }
    }
    return { byService: grouped([...routes.values()].flat(), ({ service }) => service), unmatched }
  }

  #add(routes: Map<string, RouteDefinition[]>, { definition }: AddCommand): void {
    const text = sourceText(definition.source)
    const there = routes.get(text)
    if (there === undefined) routes.set(text, [definition])
    else if (!there.some((other) => this.#isSame(other, definition))) there.push(definition)
  }

  /** An unhealthy instance is none that fabio would know: the command is then what makes its target. */
  #isSame(there: RouteDefinition, added: RouteDefinition): boolean {
    return (
      there.healthy &&
      there.service === added.service &&
      there.url === added.url &&
      there.weight === added.weight &&
      there.tags.length === added.tags.length &&
      there.tags.every((tag, i) => tag === added.tags[i]) &&
      this.#routeOf(there) === this.#routeOf(added)
    )
  }

  /** Null: there is nothing to weigh. An unhealthy target takes no part from the others, whatever weight it shows. */
  #weigh(definitions: readonly RouteDefinition[], command: WeightCommand): RouteDefinition[] | null {
    const selected = definitions.filter((definition) => isSelected(definition, command))
    if (selected.length === 0) return null
    const count = new Map<string, number>()
    for (const definition of selected) {
      const route = this.#routeOf(definition)
      if (isServed(definition)) count.set(route, (count.get(route) ?? 0) + 1)
    }
    return definitions.map((definition) => {
      if (!isSelected(definition, command)) return definition
      const weight = command.weight / (count.get(this.#routeOf(definition)) ?? 1)
      return weight === definition.weight ? definition : { ...definition, weight }
    })
  }

  /** Puts together what the service has. True: it is not what it was. */
  #assemble(service: string): boolean {
    const shared = [...(this.#sharedOf.get(service) ?? none)].map((source) => this.#together.get(source))
    const outcomes = [this.#own.get(service), ...shared]
    const after = outcomes.flatMap((outcome) => outcome?.byService.get(service) ?? none).sort(bySource)
    if (areSame(this.#result.get(service) ?? none, after)) return false
    if (after.length === 0) this.#result.delete(service)
    else this.#result.set(service, after)
    return true
  }
}

interface Given {
  readonly definitions: readonly RouteDefinition[]
  readonly problems: readonly Problem[]
}

interface Outcome {
  readonly byService: ReadonlyMap<string, readonly RouteDefinition[]>
  readonly unmatched: readonly WeightCommand[]
}

const serviceOf = (command: Command): string | null =>
  command.kind === 'add' ? command.definition.service : command.service

const sourceOf = (command: Command): Source | null =>
  command.kind === 'add' ? command.definition.source : command.source

function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

function push(places: Map<string, number[]>, key: string, place: number): void {
  const there = places.get(key)
  if (there === undefined) places.set(key, [place])
  else there.push(place)
}

/** Whether all that a command asks for is there; the source is looked up before. */
function isSelected(
  definition: RouteDefinition,
  command: { service: string | null; url?: string | null; tags: readonly string[] },
): boolean {
  const { service, url = null, tags } = command
  return (
    (service === null || service === definition.service) &&
    (url === null || url === definition.url) &&
    tags.every((tag) => definition.tags.includes(tag))
  )
}

function goesBefore(a: RouteDefinition, b: RouteDefinition): boolean {
  const isA = isGuarded(a.options)
  return isA === isGuarded(b.options) ? a.optionText > b.optionText : isA
}

const none: readonly never[] = []
const nowhere: readonly number[] = []

/** Whether a source is shared must not show: that alone is no change. */
function bySource(a: RouteDefinition, b: RouteDefinition): number {
  const [one, other] = [sourceText(a.source), sourceText(b.source)]
  return one < other ? -1 : one > other ? 1 : 0
}

const areSame = (a: readonly RouteDefinition[], b: readonly RouteDefinition[]): boolean =>
  a.length === b.length &&
  a.every((definition, i) => definition === b[i] || JSON.stringify(definition) === JSON.stringify(b[i]))

const problemOf = (command: Command, reason: string): Problem => ({
  service: serviceOf(command) ?? '',
  instance: '',
  text: command.text,
  reason: `${command.place}: ${reason}`,
})

function unknownScheme(name: string, known: ReadonlySet<string>): string {
  const names = known.size === 0 ? 'which has none' : `which has ${[...known].join(', ')}`
  return `option "auth": expected the name of a scheme of proxy.auth, ${names}, got ${quote(name)}; the route is closed`
}

/** Begins with fabio's words (reference 2.3). */
function noMatch({ service, source, tags }: WeightCommand): string {
  const whose = service === null ? 'a target' : `a target of service ${service}`
  const tagged = tags.length === 0 ? '' : ` with the tags ${tags.join(', ')}`
  return `route: no target match: expected ${whose} at ${sourceText(source)}${tagged}, found none`
}
