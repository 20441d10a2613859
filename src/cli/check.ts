import { dryRun } from '../admin/dry-run.ts'
import type { ConfigView } from '../admin/view.ts'
import { messageOf, StartError } from '../base/errors.ts'
import type { Config, ListenerOptions } from '../config/load.ts'
import { customHostMistake } from '../registry/custom.ts'
import { readArguments } from './arguments.ts'
import { json } from './columns.ts'
import type { Command, CommandContext } from './command.ts'
import { configView } from './config-view.ts'
import { accessTargetText } from './fabio-config.ts'
import {
  checkAccessFile,
  checkAuthFiles,
  consulOptions,
  errorPages,
  loadSettings,
  readNamed,
} from './settings.ts'

/**
 * `gatehouse check -cfg FILE`: whether a gateway would start with this configuration, and what it would be. Exit code 0:
 * it would, 1: something in it is wrong, 2: the command line is.
 */
export const check: Command = async (context) => {
  const { options, flags } = readArguments(context.argv, { json: 'bool' }, 0)
  const wantsJson = flags.has('json')
  try {
    const loaded = await loadSettings({ ...context, argv: options })
    const auth = await mistakesOf(checkAuthFiles(loaded.config, context))
    const accessLog = await mistakesOf(checkAccessFile(loaded.config, context))
    const registry = await findings(loaded.config, context)
    const found: Findings = { ...registry, mistakes: [...auth, ...accessLog, ...registry.mistakes] }
    const warnings = [...loaded.warnings, ...found.warnings]
    const config = configView(loaded, context)
    context.print(
      wantsJson ? json({ ok: found.mistakes.length === 0, ...found, warnings, config }) : printed(config),
    )
    if (!wantsJson) {
      for (const warning of warnings) context.complain(`warning: ${warning}\n`)
      for (const mistake of found.mistakes) context.complain(`mistake: ${mistake}\n`)
    }
    return found.mistakes.length === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof StartError) || !wantsJson) throw error
    context.print(json({ ok: false, mistakes: error.mistakes, warnings: [] }))
    return error.exitCode
  }
}

interface Findings {
  readonly mistakes: readonly string[]
  readonly warnings: readonly string[]
}

/** What stands in the way of it. */
async function mistakesOf(attempt: Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt
    return []
  } catch (error) {
    return error instanceof StartError ? error.mistakes : [messageOf(error)]
  }
}

/** What a gateway would only find out when it starts: files that are named, and the commands in them. */
async function findings(config: Config, context: CommandContext): Promise<Findings> {
  const registry = await registryFindings(config, context)
  try {
    await errorPages(config, context)
    return registry
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return { ...registry, mistakes: [...registry.mistakes, ...error.mistakes] }
  }
}

async function registryFindings(config: Config, context: CommandContext): Promise<Findings> {
  switch (config['registry.backend']) {
    case 'consul': {
      const mistakes = await mistakesOf(consulOptions(config, context))
      return { mistakes, warnings: [] }
    }
    case 'static':
      return commandFindings(config['registry.static.routes'], 'registry.static.routes', config)
    case 'file': {
      const page = config['registry.file.noroutehtmlpath']
      const mistakes =
        page === '' ? [] : await mistakesOf(readNamed('registry.file.noroutehtmlpath', page, context))
      const path = config['registry.file.path']
      const unread = await mistakesOf(readNamed('registry.file.path', path, context))
      if (unread.length > 0) return { mistakes: [...unread, ...mistakes], warnings: [] }
      const found = commandFindings(await context.readFile(path), path, config)
      return { ...found, mistakes: [...found.mistakes, ...mistakes] }
    }
    case 'custom': {
      const mistake = customHostMistake(config['registry.custom.host'])
      return { mistakes: mistake === null ? [] : [mistake], warnings: [] }
    }
  }
}

function commandFindings(text: string, name: string, config: Config): Findings {
  const state = {
    matcher: config['proxy.matcher'],
    authSchemes: config['proxy.auth'].map((scheme) => scheme.name),
    given: [],
    documents: [],
    published: new Map(),
  }
  const all = dryRun({ name, text }, state).mistakes
  const words = (isRefused: boolean): string[] =>
    all
      .filter(({ refused }) => refused === isRefused)
      .map(({ text: line, reason }) => `${reason}: ${JSON.stringify(line)}`)
  return { mistakes: words(true), warnings: words(false) }
}

function printed(config: ConfigView): string {
  const lines = Object.entries(config).map(
    ([key, { value, source, type }]) =>
      `${key} = ${accessLogText(key, value) ?? valueText(value, type)}  # ${source}\n`,
  )
  return lines.join('')
}

/** What a format was compiled to is not what somebody wrote. Null: it is no option of the access log that has a text. */
function accessLogText(key: string, value: unknown): string | null {
  if (key === 'log.access.format') return (value as Config['log.access.format']).text
  return key === 'log.access.target' ? accessTargetText(value as Config['log.access.target']) : null
}

const isBlocks = (value: unknown): value is readonly { address: string; bits: number }[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item) => typeof (item as { bits?: unknown })?.bits === 'number')

/** As it would be written in a properties file, where there is a short way to write it. */
function valueText(value: unknown, type: string): string {
  if (typeof value === 'number' && type.startsWith('duration')) return durationText(value)
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(',')
  if (type === 'listeners') return (value as readonly ListenerOptions[]).map(listenerText).join(',')
  if (type === 'listener') return listenerText(value as ListenerOptions)
  if (value === null) return ''
  if (isBlocks(value)) return value.map(({ address, bits }) => `${address}/${bits}`).join(',')
  if (type === 'address' && typeof value === 'object') return hostPort(value as Address)
  return typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value)
}

type Address = Pick<ListenerOptions, 'host' | 'port'>

const hostPort = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

function listenerText(listener: ListenerOptions): string {
  const { readTimeout, writeTimeout, idleTimeout, pxyTimeout, ...address } = listener
  const options = Object.entries({ rt: readTimeout, wt: writeTimeout, it: idleTimeout })
  const written = options.map(([name, ms]) => `;${name}=${durationText(ms)}`)
  const proxy = pxyTimeout === null ? '' : `;pxyproto=true;pxytimeout=${durationText(pxyTimeout)}`
  return hostPort(address) + written.join('') + proxy
}

const durationText = (ms: number): string => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`)
