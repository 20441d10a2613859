import type { ExplainQuery } from '../admin/explanation.ts'
import type { ExplanationView, ProblemsView, ServicesView, ServiceView, TableView } from '../admin/view.ts'
import type { Config } from '../config/load.ts'
import { adminOf, askAdmin, NotRunningError, withoutCredentials } from './admin-client.ts'
import type { CommandArguments } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { askRegistry } from './direct.ts'
import { loadSettings } from './settings.ts'

/** What is known of the routes: by a running gateway, or by the registry alone. */
export interface Views {
  /** Who was asked, for people. */
  readonly asked: string
  /** False: the registry, and what is said is what a gateway with this configuration would do. */
  readonly isGateway: boolean
  readonly table: TableView
  services(only?: string): Promise<readonly ServiceView[]>
  problems(): Promise<ProblemsView>
  /** Rejects with a UsageError where the question cannot be answered. */
  explain(query: ExplainQuery): Promise<ExplanationView>
  close(): Promise<void>
}

/** Flags of the commands that look at routes. */
export const viewFlags = { json: 'bool', admin: 'value', direct: 'bool' } as const

/**
 * The running gateway that `--admin` or the configuration names; with `--direct` the registry of the configuration.
 * Rejects with a NoGatewayError.
 */
export async function openViews(args: CommandArguments, context: CommandContext): Promise<Views> {
  if (args.flags.has('direct')) return askRegistry(await configOf(args, context), context)
  return askGateway(await adminOf(args, context))
}

export const configOf = async ({ options }: CommandArguments, context: CommandContext): Promise<Config> =>
  (await loadSettings({ ...context, argv: options })).config

/**
 * As `openViews`, and where no gateway runs and none was named, the registry; this is told to whoever complaints go to.
 */
export async function openSomeViews(args: CommandArguments, context: CommandContext): Promise<Views> {
  try {
    return await openViews(args, context)
  } catch (error) {
    if (!(error instanceof NotRunningError) || args.flags.has('admin')) throw error
    const views = await askRegistry(await configOf(args, context), context)
    context.complain(`${error.message}; asked ${views.asked} instead\n`)
    return views
  }
}

async function askGateway(admin: string): Promise<Views> {
  const table = await askAdmin<TableView>(admin, '/api/table')
  return {
    asked: withoutCredentials(admin).url,
    isGateway: true,
    table,
    async services(only) {
      const query = only === undefined ? '' : `?${new URLSearchParams({ service: only })}`
      return (await askAdmin<ServicesView>(admin, `/api/services${query}`)).services
    },
    problems: () => askAdmin<ProblemsView>(admin, '/api/problems'),
    explain({ url, method, header }) {
      const query = new URLSearchParams({ url, method })
      for (const each of header) query.append('header', each)
      return askAdmin<ExplanationView>(admin, `/api/explain?${query}`)
    },
    close: async () => {},
  }
}
