import { isDeepStrictEqual } from 'node:util'
import { StartError } from '../base/errors.ts'
import type { AuthScheme } from './auth-schemes.ts'
import { type Env, environmentReader, misspelled } from './environment.ts'
import { type ConfigFile, type FileOptions, readConfigFile } from './file.ts'
import { readFlags } from './flags.ts'
import { type Interfaces, type ListenerTimeouts, type ParseContext, ValueError } from './kind.ts'
import type { MetricsTarget } from './metrics-targets.ts'
import { type Config, namesOf, type OptionKey, optionKeys, rowOf } from './options.ts'
import type { UiAuth } from './ui-auth.ts'

export type { ListenerOptions } from './listeners.ts'
export type { Config, OptionKey } from './options.ts'

/** Everything outside that a configuration comes from. */
export interface LoadOptions extends FileOptions {
  /** Without the names of program and command. */
  readonly argv: readonly string[]
  readonly env: Env
  /** `networkInterfaces()` of `node:os`. */
  readonly interfaces: Interfaces
  readonly hostname: string
}

export interface LoadResult {
  readonly config: Config
  /** `default`, `file F:LINE`, `env NAME` or `flag`; `follows from KEY` where another option decides. */
  readonly sources: Readonly<Record<OptionKey, string>>
  /** Sentences of what is harmless and probably not meant. */
  readonly warnings: readonly string[]
}

/** Everything wrong with a configuration, a sentence each: in the file line by line, in the environment, in the flags. */
export class ConfigError extends StartError {
  /** 2 where the command line is wrong, as with any Go program, else 1. */
  override readonly exitCode: 1 | 2

  constructor(mistakes: readonly string[], exitCode: 1 | 2) {
    super(mistakes)
    this.exitCode = exitCode
  }
}

/** The text that an option was set to, and where. */
type Setting = { readonly text: string; readonly name: string } & (
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'env' }
  | { readonly from: 'flag' }
)

const ranks = { file: 0, env: 1, flag: 2 } as const

function sourceOf(setting: Setting): string {
  if (setting.from === 'file') return `file ${setting.file}:${setting.line}`
  return setting.from === 'env' ? `env ${setting.name}` : 'flag'
}

/** How a sentence about a setting begins. */
function placeOf(setting: Setting, key: OptionKey): string {
  if (setting.from === 'file') return `${setting.file}:${setting.line}: ${setting.name}`
  return setting.from === 'env' ? `env ${setting.name}: ${key}` : `flag -${setting.name}`
}

/**
 * Takes each option from the command line, else the environment, else the properties file, else its default (fabio
 * reference 13.1). Throws `ConfigError` with everything that is wrong at once. Only values that count are looked at: a
 * bad line in the file does no harm where a flag overrides it.
 */
export async function loadConfig(given: LoadOptions): Promise<LoadResult> {
  const flags = readFlags(given.argv)
  const file = await readConfigFile(flags.cfg, given)
  const findings = new Findings()
  for (const text of flags.mistakes) findings.mistake('flag', text)
  for (const { line, text } of file.mistakes) {
    findings.mistake('file', `${file.name}${line === 0 ? '' : `:${line}`}: ${text}`, line)
  }
  findings.warnings.push(...flags.warnings, ...file.warnings, ...misspelled(given.env))

  const settings = findSettings(flags.values, given.env, file, findings)
  const { values, sources } = readValues(settings, given, findings)
  settleConsistency(settings, values, sources, findings)
  refuseAnyOriginWithCredentials(settings, values, findings)
  findSchemesOfUi(settings, values, findings)
  findAddressOfCirconus(settings, values, findings)
  findings.throwMistakes()
  // Each value was made by the parser of its row, which is what the type Config is derived from.
  return {
    config: deepFreeze(values) as Config,
    sources: Object.freeze(sources),
    warnings: findings.warnings,
  }
}

/** What is wrong, in the order in which it is told, and what is only strange. */
class Findings {
  readonly warnings: string[] = []
  readonly #mistakes: { rank: number; line: number; text: string }[] = []

  mistake(from: Setting['from'], text: string, line = 0): void {
    this.#mistakes.push({ rank: ranks[from], line, text })
  }

  mistakeIn(setting: Setting, key: OptionKey, text: string): void {
    const line = setting.from === 'file' ? setting.line : 0
    this.mistake(setting.from, `${placeOf(setting, key)}: ${text}`, line)
  }

  throwMistakes(): void {
    if (this.#mistakes.length === 0) return
    const told = this.#mistakes.toSorted((a, b) => a.rank - b.rank || a.line - b.line)
    throw new ConfigError(
      told.map(({ text }) => text),
      told.some(({ rank }) => rank === ranks.flag) ? 2 : 1,
    )
  }
}

type Settings = ReadonlyMap<OptionKey, Setting>

function findSettings(
  flags: ReadonlyMap<string, string>,
  env: Env,
  file: ConfigFile,
  { warnings }: Findings,
): Settings {
  const inEnv = environmentReader(env)
  const settings = new Map<OptionKey, Setting>()

  const find = (key: OptionKey): Setting | null => {
    const names = namesOf(key)
    for (const name of names) {
      const text = flags.get(name)
      if (text !== undefined) return { from: 'flag', name, text }
    }
    for (const name of names) {
      const found = inEnv(name)
      if (found === null) continue
      if (!found.prefixed) {
        warnings.push(`env ${found.name}: read as ${name}, though it does not begin with FABIO_`)
      }
      return { from: 'env', name: found.name, text: found.value }
    }
    for (const name of names) {
      const found = file.properties.get(name)
      if (found !== undefined)
        return { from: 'file', name, file: file.name, line: found.line, text: found.value }
    }
    return null
  }
  // The library that fabio asks Consul with takes what it was not given from its own variables.
  const findStandIn = (key: OptionKey): Setting | null => {
    const name = rowOf(key).standIn
    const text = name === undefined ? undefined : env[name]
    return name === undefined || text === undefined || text === '' ? null : { from: 'env', name, text }
  }

  for (const key of optionKeys) {
    const found = find(key)
    const setting = (found?.text ?? '') === '' ? (findStandIn(key) ?? found) : found
    if (setting === null) continue
    settings.set(key, setting)
    if (setting.from !== 'env' && setting.name !== key) {
      warnings.push(`${placeOf(setting, key)}: another name of ${key}, which is the one to use`)
    }
  }
  return settings
}

type Values = Record<OptionKey, unknown>

function readValues(
  settings: Settings,
  { interfaces, hostname }: LoadOptions,
  findings: Findings,
): { values: Values; sources: Record<OptionKey, string> } {
  const read = <K extends OptionKey>(key: K, listenerTimeouts: ListenerTimeouts): Config[K] => {
    const row = rowOf(key)
    const setting = settings.get(key)
    const context: ParseContext = { interfaces, hostname, listenerTimeouts, warn: () => {} }
    const standard = row.kind.parse(row.default, context) as Config[K]
    if (setting === undefined) return standard
    const place = placeOf(setting, key)
    try {
      const warn = (text: string): number => findings.warnings.push(`${place}: ${text}`)
      const value = row.kind.parse(setting.text, { ...context, warn }) as Config[K]
      if (row.support === 'accepted' && !isDeepStrictEqual(value, standard)) {
        findings.warnings.push(
          `${place}: has no effect: this version of Gatehouse does not have this feature of fabio`,
        )
      }
      return value
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      findings.mistakeIn(setting, key, error.message)
      return standard
    }
  }

  const none: ListenerTimeouts = { readTimeout: 0, writeTimeout: 0, idleTimeout: 0 }
  const first = {
    'proxy.readtimeout': read('proxy.readtimeout', none),
    'proxy.writetimeout': read('proxy.writetimeout', none),
    'proxy.clientidletimeout': read('proxy.clientidletimeout', none),
  }
  const timeouts: ListenerTimeouts = {
    readTimeout: first['proxy.readtimeout'],
    writeTimeout: first['proxy.writetimeout'],
    idleTimeout: first['proxy.clientidletimeout'],
  }
  const entries = optionKeys.map((key): [OptionKey, unknown] => [
    key,
    key in first ? first[key as keyof typeof first] : read(key, timeouts),
  ])
  const sources = optionKeys.map((key): [OptionKey, string] => {
    const setting = settings.get(key)
    return [key, setting === undefined ? 'default' : sourceOf(setting)]
  })
  return {
    values: Object.fromEntries(entries) as Values,
    sources: Object.fromEntries(sources) as Record<OptionKey, string>,
  }
}

/**
 * Where only one of the two is set, it wins (quirk 58): fabio refuses allowStale=true alone, for its requireConsistent
 * is true by default. Here stale reads are the default, so it is requireConsistent=true alone that would collide.
 */
function settleConsistency(
  settings: Settings,
  values: Values,
  sources: Record<OptionKey, string>,
  findings: Findings,
): void {
  const consistent = 'registry.consul.requireConsistent'
  const stale = 'registry.consul.allowStale'
  const setting = settings.get(consistent)
  const other = settings.get(stale)
  if (setting === undefined || values[consistent] !== true || values[stale] !== true) return
  if (other === undefined) {
    values[stale] = false
    sources[stale] = `follows from ${consistent}`
    return
  }
  findings.mistakeIn(
    setting,
    consistent,
    `expected false where ${stale} is true (${sourceOf(other)}), got true`,
  )
}

/** Every page of the world would read what its visitor may read. */
function refuseAnyOriginWithCredentials(settings: Settings, values: Values, findings: Findings): void {
  const key = 'proxy.cors.credentials'
  const setting = settings.get(key)
  if (setting === undefined || values[key] !== true || !(values['proxy.cors'] as string[]).includes('*'))
    return
  findings.mistakeIn(setting, key, 'expected false where proxy.cors is *, got true')
}

/** A login that nobody has described would be a door that is open, or one that nobody can open. */
function findSchemesOfUi(settings: Settings, values: Values, findings: Findings): void {
  const setting = settings.get('ui.auth')
  if (setting === undefined || values['ui.auth'] === undefined) return
  const { read, write } = values['ui.auth'] as UiAuth
  const schemes = (values['proxy.auth'] ?? []) as readonly AuthScheme[]
  for (const name of new Set([read, write])) {
    const type = schemes.find((scheme) => scheme.name === name)?.type
    if (name === '' || type === 'basic' || type === 'forward') continue
    const found = type === undefined ? 'none of that name' : `one of the type ${type}`
    findings.mistakeIn(
      setting,
      'ui.auth',
      `${name}: expected a scheme of proxy.auth of the type basic or forward, got ${found}`,
    )
  }
}

/**
 * fabio finds or makes a check of its own with metrics.circonus.apikey alone (reference 11.3). Here that is to be done
 * once, by hand; a file that has it starts all the same. With neither of both fabio does not start.
 */
function findAddressOfCirconus(settings: Settings, values: Values, findings: Findings): void {
  const key = 'metrics.target'
  const setting = settings.get(key)
  const targets = values[key] as readonly MetricsTarget[]
  if (setting === undefined || !targets.includes('circonus')) return
  if (values['metrics.circonus.submissionurl'] !== '') return
  if (values['metrics.circonus.apikey'] === '') {
    findings.mistakeIn(
      setting,
      key,
      'circonus: expected its address in metrics.circonus.submissionurl, got none',
    )
    return
  }
  values[key] = targets.filter((target) => target !== 'circonus')
  findings.warnings.push(
    `${placeOf(setting, key)}: circonus is left out: Gatehouse makes no check with metrics.circonus.apikey; make one of the type HTTPTrap at Circonus and set metrics.circonus.submissionurl to its data submission URL`,
  )
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
