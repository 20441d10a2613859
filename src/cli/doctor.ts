import type { ProblemsView, ServiceView, TableView } from '../admin/view.ts'
import { messageOf, StartError } from '../base/errors.ts'
import type { Config } from '../config/load.ts'
import { ConsulClient } from '../registry/consul/client.ts'
import { type HealthEntry, textsIn } from '../registry/consul/health.ts'
import { isRouteTag } from '../route/tag.ts'
import { NoGatewayError } from './admin-client.ts'
import { type CommandArguments, readArguments, UsageError } from './arguments.ts'
import { columns, json } from './columns.ts'
import type { Command, CommandContext } from './command.ts'
import {
  type ConsulRules,
  diagnoseEntries,
  diagnoseViews,
  type Finding,
  hidden,
  isFault,
  isNearly,
  notRegistered,
  withoutTag,
} from './diagnosis.ts'
import { askRegistry } from './direct.ts'
import { consulOptions } from './settings.ts'
import { configOf, openViews, type Views, viewFlags } from './views.ts'

/**
 * `gatehouse doctor [SERVICE]`: why a service is not routed. It asks the running gateway, where none runs the registry
 * itself, and Consul for what neither looks at: services without a tag for a route. Exit code 1: something stands in the
 * way of a request.
 */
export const doctor: Command = async (context) => {
  const args = readArguments(context.argv, viewFlags, 1)
  const [service] = args.operands
  const config = await configOf(args, context)
  const { views, asked, findings: obstacles } = await consult(args, config, context)
  const findings = [...obstacles]
  if (views !== null) {
    const services = await views.services(service)
    findings.push(...(await findingsOf(views, services, service)))
    await views.close()
    const known = new Set(services.map((each) => each.service))
    findings.push(...(await askConsul(config, context, service, { known, isGateway: views.isGateway })))
  }
  const isWell = !findings.some(isFault)
  context.print(
    args.flags.has('json') ? json({ asked, ok: isWell, findings }) : printed(asked, findings, service),
  )
  return isWell ? 0 : 1
}

interface Consulted {
  /** Null: nobody answers. */
  readonly views: Views | null
  readonly asked: string
  readonly findings: readonly Finding[]
}

async function consult(args: CommandArguments, config: Config, context: CommandContext): Promise<Consulted> {
  try {
    const views = await openViews(args, context)
    return { views, asked: views.asked, findings: [] }
  } catch (error) {
    if (!(error instanceof StartError) || error instanceof UsageError) throw error
    if (!(error instanceof NoGatewayError)) return nobody('nobody', error)
    try {
      const views = await askRegistry(config, context)
      return { views, asked: `${views.asked}, because ${error.message}`, findings: [] }
    } catch (other) {
      if (!(other instanceof StartError)) throw other
      return nobody(`nobody, because ${error.message}`, other)
    }
  }
}

const nobody = (asked: string, error: StartError): Consulted => ({
  views: null,
  asked,
  findings: [{ service: '', instance: '', code: 'no-contact', words: error.mistakes.join('; ') }],
})

async function findingsOf(
  views: Views,
  services: readonly ServiceView[],
  service: string | undefined,
): Promise<Finding[]> {
  const { registry } = views.table
  const problems = await views.problems()
  const findings = diagnoseViews(services, problems)
  if (views.isGateway && !registry.connected) findings.unshift(noContact(registry))
  else if (views.isGateway && registry.oldSince !== null) findings.unshift(oldData(registry))
  return service === undefined ? [...findings, ...withoutService(problems)] : findings
}

const noContact = ({ address, error, lastContactAt }: TableView['registry']): Finding => ({
  service: '',
  instance: '',
  code: 'no-contact',
  words:
    `the gateway has no contact with ${address} since ${lastContactAt ?? 'its start'} and serves what it knew: ` +
    error,
})

const oldData = ({ address, oldSince, error }: TableView['registry']): Finding => ({
  service: '',
  instance: '',
  code: 'old-data',
  words: `since ${oldSince} some of what the gateway knows from ${address} may be old: ${error}`,
})

/** Lines of which no service can be told. */
const withoutService = ({ rejected }: ProblemsView): Finding[] =>
  rejected
    .filter(({ service }) => service === '')
    .map(({ text, reason }) => ({
      service: '',
      instance: '',
      code: 'rejected',
      words: `line ${JSON.stringify(text)}: ${reason}`,
    }))

/** Services that were told of already, and by whom. */
interface Told {
  readonly known: ReadonlySet<string>
  readonly isGateway: boolean
}

/** Of another registry, and of a service that is known, Consul is not asked. */
async function askConsul(
  config: Config,
  context: CommandContext,
  service: string | undefined,
  told: Told,
): Promise<readonly Finding[]> {
  if (config['registry.backend'] !== 'consul') return []
  if (service !== undefined && told.known.has(service)) return []
  const { client: reach, ...rules } = await consulOptions(config, context)
  const client = new ConsulClient({ ...reach, maxConnections: 8 })
  try {
    return await diagnose(client, rules, service, told, context.stop)
  } catch (error) {
    const words = `expected Consul to answer, got ${messageOf(error)}`
    return [{ service: '', instance: '', code: 'no-contact', words }]
  } finally {
    await client.close()
  }
}

async function diagnose(
  client: ConsulClient,
  rules: Omit<ConsulRules, 'datacenter'>,
  service: string | undefined,
  { known, isGateway }: Told,
  signal: AbortSignal,
): Promise<Finding[]> {
  const self = (await client.read('/v1/agent/self', signal)).body as { Config?: { Datacenter?: string } }
  const datacenter = self.Config?.Datacenter ?? ''
  const { body } = await client.read('/v1/catalog/services', signal)
  const names = new Map(Object.entries(body ?? {}).map(([name, tags]) => [name, textsIn(tags)]))
  const all = [...names.keys()]
  const isTagged = (name: string): boolean => names.get(name)!.some((tag) => isRouteTag(tag, rules.tagPrefix))
  if (names.size === 0) return [hidden('')]
  if (service !== undefined && !names.has(service)) return [notRegistered(service, all)]

  const findings: Finding[] = []
  const wanted = service === undefined ? all.filter((name) => isTagged(name) && !known.has(name)) : [service]
  // Eight at a time: a thousand services must not open a thousand connections.
  for (let at = 0; at < wanted.length; at += 8) {
    const found = await Promise.all(
      wanted.slice(at, at + 8).map(async (name) => {
        const answer = await client.read(`/v1/health/service/${encodeURIComponent(name)}`, signal)
        const entries = answer.body as readonly HealthEntry[]
        if (entries.length === 0) return [hidden(name)]
        const found = diagnoseEntries(name, entries, { ...rules, datacenter })
        return isGateway ? found.map(behind) : found
      }),
    )
    findings.push(...found.flat())
  }
  if (service !== undefined) return findings
  // A sidecar has the tags of what it stands for, and is to have no route.
  const others = findings.filter(({ code }) => code !== 'sidecar')
  for (const [name, tags] of names) {
    if (isTagged(name) || !tags.some((tag) => isNearly(tag, rules.tagPrefix))) continue
    others.push(withoutTag({ service: name, instance: '' }, tags, rules.tagPrefix))
  }
  return others
}

/** Consul would have it routed, and the gateway has not heard of it. */
const behind = (finding: Finding): Finding =>
  finding.code === 'routed'
    ? {
        ...finding,
        code: 'gateway-behind',
        words:
          'Consul lists it and the gateway does not know it: does it ask another Consul, for another prefix?',
      }
    : finding

function printed(asked: string, findings: readonly Finding[], service: string | undefined): string {
  const faults = findings.filter(isFault)
  const fine = findings.filter((finding) => !isFault(finding))
  const rows = (of: readonly Finding[]): string[][] =>
    of.map(({ service: name, instance, code, words }) => [
      '  ',
      name === '' ? '(all)' : name,
      instance,
      code,
      words.replaceAll('\n', ' | '),
    ])
  const said = `asked ${asked}\n\n`
  if (service !== undefined && fine.length + faults.length === 0)
    return `${said}${service}: nothing is known of it\n`
  const wrong = faults.length === 0 ? '' : `not as it should be\n${columns(rows(faults))}\n`
  if (service !== undefined)
    return `${said}${wrong}${fine.length === 0 ? '' : `routed\n${columns(rows(fine))}`}`
  const routed = new Set(fine.map((finding) => finding.service)).size
  return `${said}${wrong}${routed} ${routed === 1 ? 'service is' : 'services are'} routed\n`
}
