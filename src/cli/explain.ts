import type { ExplainedAnswerView, ExplainedHostView, ExplanationView } from '../admin/view.ts'
import { readArguments, UsageError } from './arguments.ts'
import { columns, json, percent } from './columns.ts'
import type { Command } from './command.ts'
import { openSomeViews, viewFlags } from './views.ts'

/**
 * `gatehouse explain URL`: what would become of a request, in a running gateway or by the registry alone. Exit code 0: an
 * instance gets it.
 */
export const explain: Command = async (context) => {
  const own = { ...viewFlags, method: 'value', header: 'list' } as const
  const args = readArguments(context.argv, own, 1)
  const [url] = args.operands
  if (url === undefined)
    throw new UsageError('explain: expected a URL like http://example.com/path, got nothing')
  const views = await openSomeViews(args, context)
  const method = args.flags.get('method')?.[0] ?? 'GET'
  const explanation = await views.explain({ url, method, header: args.flags.get('header') ?? [] })
  await views.close()
  context.print(args.flags.has('json') ? json(explanation) : printed(explanation))
  return explanation.answer === null ? 0 : 1
}

function printed(explanation: ExplanationView): string {
  const { method, url, host, path, hosts, route, why, answer, targets, tableVersion } = explanation
  const blocks = [
    columns([
      ['request', `${method} ${url}`],
      ['host', named(host)],
      ['path', path],
      ['table', `version ${tableVersion}`],
    ]),
    `hosts, in the order in which they are asked\n${columns(hosts.flatMap(hostRows))}`,
    route === null ? `no route: ${why}\n` : `route ${route.host}${route.path} (${route.matcher}): ${why}\n`,
  ]
  if (targets.length > 0) {
    const rows = targets.map((target) => {
      const { share, service, instance, url: to, health } = target
      return [
        '  ',
        percent(share),
        service,
        instance === '' ? '(a command)' : instance,
        to,
        health,
        target.why,
      ]
    })
    blocks.push(`targets\n${columns(rows)}`)
  }
  const asked = [...new Set(targets.flatMap((target) => target.asked))]
  if (asked.length > 0) blocks.push(`asked first, and not by this command\n  ${asked.join(', ')}\n`)
  if (answer !== null) blocks.push(printedAnswer(answer))
  const first = targets.find(({ request }) => request !== null)
  if (answer === null && first?.request) {
    const { request } = first
    const lines = request.fields.map(({ name, value }) => `  ${name}: ${value}\n`)
    blocks.push(`sent to ${first.url}\n  ${request.method} ${request.target}\n${lines.join('')}`)
  }
  return `${blocks.join('\n')}`
}

const named = (host: string): string => (host === '' ? '(any host)' : host)

function hostRows({ host, matched, routes, otherPaths }: ExplainedHostView): string[][] {
  const rows = routes.map(({ path, matcher, chosen, why }, i) => [
    '  ',
    i === 0 ? named(host) : '',
    chosen ? '*' : '-',
    `${matcher} ${path}`,
    why,
  ])
  if (rows.length > 0) return rows
  const others = otherPaths.length === 0 ? '' : `it has ${otherPaths.join(', ')}`
  return [['  ', named(host), '-', matched ? 'no path of it matches' : 'does not match', others]]
}

function printedAnswer({ status, fields, body }: ExplainedAnswerView): string {
  const lines = fields.map(({ name, value }) => `  ${name}: ${value}\n`)
  return `answer ${status}\n${lines.join('')}\n${body.trimEnd().slice(0, 2_000)}\n`
}
