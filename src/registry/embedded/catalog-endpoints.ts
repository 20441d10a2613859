import {
  type Answer,
  bodyOf,
  type Call,
  type Endpoint,
  type Handler,
  json,
  parseGoBool,
  required,
} from './answer.ts'
import type { Result } from './blocking.ts'
import type { Catalog } from './catalog.ts'
import { type CatalogCheck, catalogDeregistration, catalogRegistration } from './definitions.ts'
import type { HealthCheck, HealthEntry, Node, NodeService } from './objects.ts'
import { answerRead, consistencyOf, type ReadContext, refuseElsewhere } from './read.ts'
import { RefusedError } from './refused.ts'
import { catalogServiceView, checkView, healthEntryView, nodeView } from './views.ts'

/** `/v1/catalog/...` and `/v1/health/...`: what all agents together have told the servers. */
export function catalogEndpoints(catalog: Catalog, context: ReadContext): Endpoint[] {
  const read =
    <T>(run: (call: Call) => Result<T>, view: (value: T, call: Call) => unknown): Handler =>
    (call) =>
      answerRead(
        context,
        call,
        () => run(call),
        (value) => json(view(value, call), consistencyOf(call.query)),
      )
  const tagsOf = ({ query }: Call): string[] => query.getAll('tag')
  return [
    {
      path: '/v1/catalog/datacenters',
      methods: { GET: () => json([context.datacenter]) },
    },
    {
      path: '/v1/catalog/nodes',
      methods: {
        GET: read(
          () => catalog.nodes(),
          (nodes) => nodes.map(nodeView),
        ),
      },
    },
    {
      path: '/v1/catalog/services',
      methods: {
        GET: read(
          () => catalog.services(),
          (services) => services,
        ),
      },
    },
    {
      path: '/v1/catalog/service/*',
      methods: {
        GET: read(
          (call) => catalog.service(required(call.rest, 'service name'), tagsOf(call)),
          (found) => found.map(({ node, service }) => catalogServiceView(node, service)),
        ),
      },
    },
    { path: '/v1/catalog/register', methods: { PUT: (call) => register(catalog, context, call) } },
    { path: '/v1/catalog/deregister', methods: { PUT: (call) => deregister(catalog, context, call) } },
    {
      path: '/v1/health/service/*',
      methods: {
        GET: read(
          (call) => {
            const passing = parsePassing(call.query)
            const { value, ...rest } = catalog.health(required(call.rest, 'service name'), tagsOf(call))
            return { ...rest, value: passing ? value.filter(isPassing) : value }
          },
          (entries) => entries.map(healthEntryView),
        ),
      },
    },
    {
      path: '/v1/health/state/*',
      methods: {
        GET: read(
          ({ rest }) => catalog.checksInState(required(rest, 'check state')),
          (checks) => checks.map(checkView),
        ),
      },
    },
    {
      path: '/v1/health/checks/*',
      methods: {
        GET: read(
          ({ rest }) => catalog.checksOfService(required(rest, 'service name')),
          (checks) => checks.map(checkView),
        ),
      },
    },
    {
      path: '/v1/health/node/*',
      methods: {
        GET: read(
          ({ rest }) => catalog.checksOfNode(required(rest, 'node name')),
          (checks) => checks.map(checkView),
        ),
      },
    },
  ]
}

const isPassing = (entry: HealthEntry): boolean => entry.Checks.every((check) => check.Status === 'passing')

function parsePassing(query: URLSearchParams): boolean {
  const text = query.get('passing')
  if (text === null || text === '') return text !== null
  const passing = parseGoBool(text)
  if (passing === undefined) throw new RefusedError(400, 'Invalid value for ?passing')
  return passing
}

function register(catalog: Catalog, context: ReadContext, call: Call): Answer {
  const body = bodyOf(catalogRegistration, call)
  refuseElsewhere(context, body.Datacenter === '' ? call.query.get('dc') : body.Datacenter)
  if (body.Node === '') throw new RefusedError(500, 'Must provide node')
  if (body.Address === '' && !body.SkipNodeUpdate) {
    throw new RefusedError(500, 'Must provide address if SkipNodeUpdate is not set')
  }
  if (body.ID !== '' && body.ID.length !== 36) {
    throw new RefusedError(500, 'Bad node ID: uuid string is wrong length')
  }
  const update: Node = {
    ID: body.ID,
    Node: body.Node,
    Address: body.Address,
    Datacenter: context.datacenter,
    TaggedAddresses: body.TaggedAddresses,
    Meta: body.NodeMeta,
  }
  const { Service: service } = body
  const instance: NodeService | null =
    service === null
      ? null
      : {
          Kind: service.Kind,
          ID: service.ID === '' ? service.Service : service.ID,
          Service: service.Service,
          Tags: service.Tags,
          Address: service.Address,
          TaggedAddresses: service.TaggedAddresses,
          Meta: service.Meta,
          Port: service.Port,
          Weights: service.Weights ?? { Passing: 1, Warning: 1 },
          EnableTagOverride: service.EnableTagOverride,
          Proxy: service.Proxy,
          Connect: service.Connect,
        }
  const checks = (body.Check === null ? body.Checks : [...body.Checks, body.Check]).map((check) =>
    healthCheck(check, body.Node),
  )
  catalog.register({
    update: body.SkipNodeUpdate && body.Address === '' ? null : update,
    node: body.Node,
    service: instance,
    checks,
  })
  return json(true)
}

function healthCheck(check: CatalogCheck, node: string): HealthCheck {
  if (check.Node !== '' && check.Node !== node) {
    const [own, registered] = [JSON.stringify(check.Node), JSON.stringify(node)]
    throw new RefusedError(500, `check node ${own} does not match node ${registered}`)
  }
  return {
    Node: node,
    CheckID: check.CheckID === '' ? check.Name : check.CheckID,
    Name: check.Name,
    Status: check.Status === '' ? 'critical' : check.Status,
    Notes: check.Notes,
    Output: check.Output,
    ServiceID: check.ServiceID,
    ServiceName: '',
    ServiceTags: [],
    Type: check.Type,
  }
}

function deregister(catalog: Catalog, context: ReadContext, call: Call): Answer {
  const body = bodyOf(catalogDeregistration, call)
  refuseElsewhere(context, body.Datacenter === '' ? call.query.get('dc') : body.Datacenter)
  if (body.Node === '') throw new RefusedError(500, 'Must provide node')
  catalog.deregister({ node: body.Node, serviceId: body.ServiceID, checkId: body.CheckID })
  return json(true)
}
