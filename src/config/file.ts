import { messageOf } from '../base/errors.ts'
import type { Env } from './environment.ts'
import { suggestion } from './nearest.ts'
import { optionKeys, optionNamed } from './options.ts'
import { expandProperties, type LineMistake, type Property, parseProperties } from './properties.ts'

/** Where Gatehouse looks when `-cfg` is not given: it need not be there. */
export const defaultFile = '/etc/fabio/fabio.properties'

export interface ConfigFile {
  /** Path or URL. */
  readonly name: string
  readonly properties: ReadonlyMap<string, Property>
  /** Line 0: the file as a whole. */
  readonly mistakes: readonly LineMistake[]
  readonly warnings: readonly string[]
}

export interface FileOptions {
  readonly env: Env
  /** Reads a file as UTF-8. Rejects with `code` `ENOENT` where there is none. */
  readFile(path: string): Promise<string>
  /** Reads the properties file behind an `http:` or `https:` address: see `fetchProperties`. */
  fetchText(url: string): Promise<string>
}

/** Reads the file or URL of `-cfg`, null for the default file. Never rejects: what is wrong is in `mistakes`. */
export async function readConfigFile(cfg: string | null, from: FileOptions): Promise<ConfigFile> {
  if (cfg === '') return unreadable('flag -cfg', 'expected a file or URL, got nothing')
  const isUrl = cfg !== null && /^https?:\/\//.test(cfg)
  const name = isUrl
    ? cfg
    : (cfg ?? defaultFile).replace(/\$\{([^}]*)\}/g, (_, key: string) => from.env[key] ?? '')
  try {
    return understood(name, await (isUrl ? from.fetchText(name) : from.readFile(name)), from.env)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    if (cfg === null && isMissing) return { name, properties: new Map(), mistakes: [], warnings: [] }
    if (isMissing) return unreadable(name, 'expected a file, got nothing at this path')
    // What Docker makes of a volume whose source is missing.
    if (code === 'EISDIR') return unreadable(name, 'expected a file, got a directory')
    return unreadable(name, `cannot be read: ${messageOf(error)}`)
  }
}

function unreadable(name: string, text: string): ConfigFile {
  return { name, properties: new Map(), mistakes: [{ line: 0, text }], warnings: [] }
}

function understood(name: string, text: string, env: Env): ConfigFile {
  const parsed = parseProperties(text)
  const expanded = expandProperties(parsed.entries, env)
  return {
    name,
    properties: new Map(expanded.entries.map((entry) => [entry.key, entry])),
    mistakes: [...parsed.mistakes, ...expanded.mistakes],
    warnings: [...repeated(name, parsed.entries), ...unknown(name, parsed.entries)],
  }
}

function repeated(name: string, entries: readonly Property[]): string[] {
  const lines = new Map<string, number>()
  const warnings: string[] = []
  for (const { key, line } of entries) {
    const before = lines.get(key)
    if (before !== undefined)
      warnings.push(`${name}:${line}: ${key}: stated again, line ${before} does not count`)
    lines.set(key, line)
  }
  return warnings
}

/** A key that is no option is fine where another value refers to it. */
function unknown(name: string, entries: readonly Property[]): string[] {
  return entries
    .filter(
      ({ key }) => optionNamed(key) === null && !entries.some(({ value }) => value.includes(`\${${key}}`)),
    )
    .map(({ key, line }) => `${name}:${line}: ${key}: unknown option, ignored${suggestion(key, optionKeys)}`)
}
