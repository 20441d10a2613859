import type { TableView } from '../admin/view.ts'
import { readArguments } from './arguments.ts'
import { columns, json, percent } from './columns.ts'
import type { Command } from './command.ts'
import { openSomeViews, viewFlags } from './views.ts'

/** `gatehouse routes`: the table of a running gateway, or what it would be by the registry alone. */
export const routes: Command = async (context) => {
  const args = readArguments(context.argv, viewFlags, 0)
  const views = await openSomeViews(args, context)
  context.print(args.flags.has('json') ? json(views.table.routes) : printed(views.table))
  await views.close()
  return 0
}

function printed({ routes: all, problems, registry, version }: TableView): string {
  const rows = all.flatMap(({ host, path, targets }) =>
    targets.map(({ service, url, share, health, options, reason }) => [
      host + path,
      service,
      url,
      percent(share),
      health,
      options,
      reason.split('\n')[0]!,
    ]),
  )
  const head = ['SOURCE', 'SERVICE', 'DESTINATION', 'SHARE', 'HEALTH', 'OPTIONS', 'WHY']
  const table = rows.length === 0 ? 'no routes\n' : columns([head, ...rows])
  const lost = registry.connected ? '' : `\nno contact with ${registry.address}: ${registry.error}\n`
  const wrong = problems.length === 0 ? '' : `\n${hint(problems.length)}\n`
  return `${table}\ntable version ${version}\n${lost}${wrong}`
}

const hint = (problems: number): string =>
  problems === 1
    ? '1 problem: gatehouse doctor says what it is'
    : `${problems} problems: gatehouse doctor says what they are`
