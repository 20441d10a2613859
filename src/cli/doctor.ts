import type { ProblemsView, ServicesView, TableView } from '../admin/view.ts'
import { messageOf } from '../base/errors.ts'
import type { Config } from '../config/load.ts'
import { ConsulClient } from '../registry/consul/client.ts'
import { type HealthEntry, textsIn } from '../registry/consul/health.ts'
import { isRouteTag } from '../route/tag.ts'
import { adminOf, apiAddress, askAdmin, NoGatewayError, withoutCredentials } from './admin-client.ts'
import { type CommandArguments, readArguments } from './arguments.ts'
import { columns, json } from './columns.ts'
import type { Command, CommandContext } from './command.ts'
import {
  type ConsulRules,
  diagnoseEntries,
  diagnoseViews,
  type Finding,
  isFault,
  isNearly,
  notRegistered,
  withoutTag,
} from './diagnosis.ts'
import { consulOptions, loadSettings } from './settings.ts'

/**
 * `gatehouse doctor [SERVICE]`: why a service is not routed. It asks the running gateway, and Consul for what a gateway
 * does not look at: services without a tag for it, and all of them where no gateway answers. Exit code 1: something
 * stands in the way of a request.
 */
export const doctor: Command = async (context) => {
  const args = readArguments(context.argv, { json: 'bool', admin: 'value' }, 1)
  const [service] = args.operands
  const { config } = await loadSettings({ ...context, argv: args.options })
  const fromGateway = await askGateway(args, config, context, service)
  const fromConsul = await askConsul(config, context, service, fromGateway)
  if (fromGateway.words !== '' && fromConsul === null) throw new NoGatewayError(fromGateway.words)
  const findings = [...fromGateway.findings, ...(fromConsul ?? [])]
  const asked = fromGateway.words === '' ? fromGateway.admin : `Consul, because ${fromGateway.words}`
  context.print(
    args.flags.has('json')
      ? json({ asked, ok: !findings.some(isFault), findings })
      : printed(asked, findings, service),
  )
  return findings.some(isFault) ? 1 : 0
}

interface FromGateway {
  readonly admin: string
  readonly findings: readonly Finding[]
  /** Services that it knows of. */
  readonly known: ReadonlySet<string>
  /** Why it said nothing; empty: it did. */
  readonly words: string
}

async function askGateway(
  args: CommandArguments,
  config: Config,
  context: CommandContext,
  service: string | undefined,
): Promise<FromGateway> {
  const admin = args.flags.has('admin') ? await adminOf(args, context) : apiAddress(config)
  const only = service === undefined ? '' : `?${new URLSearchParams({ service })}`
  try {
    const { services } = await askAdmin<ServicesView>(admin, `/api/services${only}`)
    const problems = await askAdmin<ProblemsView>(admin, '/api/problems')
    const { registry } = await askAdmin<TableView>(admin, '/api/table')
    const findings = diagnoseViews(services, problems)
    if (!registry.connected) findings.unshift(noContact(registry))
    else if (registry.oldSince !== null) findings.unshift(oldData(registry))
    if (service === undefined) findings.push(...withoutService(problems))
    const { url } = withoutCredentials(admin)
    return { admin: url, findings, known: new Set(services.map((each) => each.service)), words: '' }
  } catch (error) {
    if (!(error instanceof NoGatewayError)) throw error
    return { admin, findings: [], known: new Set(), words: error.message }
  }
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

/** Null: there is no Consul to ask, or nothing to ask it. */
async function askConsul(
  config: Config,
  context: CommandContext,
  service: string | undefined,
  gateway: FromGateway,
): Promise<readonly Finding[] | null> {
  const isGateway = gateway.words === ''
  if (config['registry.backend'] !== 'consul') return isGateway ? [] : null
  if (isGateway && service !== undefined && gateway.known.has(service)) return []
  const { client: reach, ...rules } = await consulOptions(config, context)
  const client = new ConsulClient({ ...reach, maxConnections: 8 })
  try {
    return await diagnose(client, rules, service, gateway, context.stop)
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
  gateway: FromGateway,
  signal: AbortSignal,
): Promise<Finding[]> {
  const self = (await client.read('/v1/agent/self', signal)).body as { Config?: { Datacenter?: string } }
  const datacenter = self.Config?.Datacenter ?? ''
  const { body } = await client.read('/v1/catalog/services', signal)
  const names = new Map(Object.entries(body ?? {}).map(([name, tags]) => [name, textsIn(tags)]))
  const all = [...names.keys()]
  const isTagged = (name: string): boolean => names.get(name)!.some((tag) => isRouteTag(tag, rules.tagPrefix))
  if (service !== undefined && !names.has(service)) return [notRegistered(service, all)]

  const findings: Finding[] = []
  const wanted =
    service === undefined ? all.filter((name) => isTagged(name) && !gateway.known.has(name)) : [service]
  // Eight at a time: a thousand services must not open a thousand connections.
  for (let at = 0; at < wanted.length; at += 8) {
    const found = await Promise.all(
      wanted.slice(at, at + 8).map(async (name) => {
        const answer = await client.read(`/v1/health/service/${encodeURIComponent(name)}`, signal)
        const entries = diagnoseEntries(name, answer.body as readonly HealthEntry[], { ...rules, datacenter })
        return gateway.words === '' ? entries.map(behind) : entries
      }),
    )
    findings.push(...found.flat())
  }
  if (service !== undefined) return findings
  for (const [name, tags] of names) {
    if (isTagged(name) || !tags.some((tag) => isNearly(tag, rules.tagPrefix))) continue
    findings.push(withoutTag({ service: name, instance: '' }, tags, rules.tagPrefix))
  }
  return findings
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
