import { createHash } from 'node:crypto'
import type { LocalAgent } from './agent.ts'
import {
  type Answer,
  bodyOf,
  type Call,
  done,
  type Endpoint,
  type Handler,
  json,
  parseGoBool,
  problem,
  required,
} from './answer.ts'
import {
  agentCheck,
  agentService,
  checkUpdate,
  taggedAddresses,
  validateAgentCheck,
  validateService,
  validateStatus,
} from './definitions.ts'
import type { NodeService } from './objects.ts'
import { refuseFilter } from './read.ts'
import { RefusedError } from './refused.ts'
import { agentServiceView, checkView } from './views.ts'

/** `/v1/agent/...`: services and checks of this one agent, and what it says of itself. */
export function agentEndpoints(agent: LocalAgent, version: string): Endpoint[] {
  const setTtl =
    (status: 'passing' | 'warning' | 'critical'): Handler =>
    ({ rest, query }) => {
      agent.updateTtl(rest, status, query.get('note') ?? '')
      return done
    }
  return [
    { path: '/v1/agent/self', methods: { GET: () => json(selfView(agent, version)) } },
    { path: '/v1/agent/services', methods: { GET: (call) => listServices(agent, call) } },
    { path: '/v1/agent/service/*', methods: { GET: (call) => showService(agent, call) } },
    { path: '/v1/agent/service/register', methods: { PUT: (call) => registerService(agent, call) } },
    {
      path: '/v1/agent/service/deregister/*',
      methods: {
        PUT({ rest }) {
          if (rest === '') throw new RefusedError(500, 'ServiceID missing')
          agent.deregisterService(rest)
          return done
        },
      },
    },
    {
      path: '/v1/agent/service/maintenance/*',
      methods: {
        PUT({ rest, query }) {
          const id = required(rest, 'service ID')
          agent.maintainService(id, parseEnable(query), query.get('reason') ?? '')
          return done
        },
      },
    },
    {
      path: '/v1/agent/maintenance',
      methods: {
        PUT({ query }) {
          agent.maintainNode(parseEnable(query), query.get('reason') ?? '')
          return done
        },
      },
    },
    { path: '/v1/agent/checks', methods: { GET: (call) => listChecks(agent, call) } },
    { path: '/v1/agent/check/register', methods: { PUT: (call) => registerCheck(agent, call) } },
    {
      path: '/v1/agent/check/deregister/*',
      methods: {
        PUT({ rest }) {
          if (rest === '') throw new RefusedError(500, 'CheckID missing')
          agent.deregisterCheck(rest)
          return done
        },
      },
    },
    { path: '/v1/agent/check/pass/*', methods: { PUT: setTtl('passing') } },
    { path: '/v1/agent/check/warn/*', methods: { PUT: setTtl('warning') } },
    { path: '/v1/agent/check/fail/*', methods: { PUT: setTtl('critical') } },
    {
      path: '/v1/agent/check/update/*',
      methods: {
        PUT(call) {
          const { Status, Output } = bodyOf(checkUpdate, call)
          agent.updateTtl(call.rest, validateStatus(Status), Output)
          return done
        },
      },
    },
  ]
}

function listServices(agent: LocalAgent, { query }: Call): Answer {
  refuseFilter(query)
  return json(Object.fromEntries(agent.services().map((service) => [service.ID, agentServiceView(service)])))
}

function showService(agent: LocalAgent, { rest }: Call): Answer {
  const service = agent.service(rest)
  if (service === undefined) return problem(404, `unknown service ID: ${rest}`)
  const view = agentServiceView(service)
  const ContentHash = createHash('sha256').update(JSON.stringify(view)).digest('hex').slice(0, 16)
  return json({ ...view, ContentHash }, { 'X-Consul-Contenthash': ContentHash })
}

function registerService(agent: LocalAgent, call: Call): Answer {
  const body = bodyOf(agentService, call)
  const checks = validateService(body)
  const service: NodeService = {
    Kind: body.Kind,
    ID: body.ID === '' ? body.Name : body.ID,
    Service: body.Name,
    Tags: body.Tags,
    Address: body.Address,
    TaggedAddresses: taggedAddresses(body),
    Meta: body.Meta,
    Port: body.Port,
    Weights: body.Weights ?? { Passing: 1, Warning: 1 },
    EnableTagOverride: body.EnableTagOverride,
    Proxy: body.Proxy,
    Connect: body.Connect,
  }
  const replace = call.query.get('replace-existing-checks')
  agent.registerService(service, checks, replace === '' || replace === 'true')
  return done
}

function listChecks(agent: LocalAgent, { query }: Call): Answer {
  refuseFilter(query)
  return json(
    Object.fromEntries(
      agent.checks().map((check) => [check.CheckID, checkView({ ...check, CreateIndex: 0, ModifyIndex: 0 })]),
    ),
  )
}

function registerCheck(agent: LocalAgent, call: Call): Answer {
  const body = bodyOf(agentCheck, call)
  validateAgentCheck(body)
  const id = body.CheckID !== '' ? body.CheckID : body.ID !== '' ? body.ID : body.Name
  agent.registerCheck(id, body.Name, body, body.ServiceID)
  return done
}

function parseEnable(query: URLSearchParams): boolean {
  const text = query.get('enable')
  if (text === null) throw new RefusedError(400, 'Missing value for enable')
  const enable = parseGoBool(text)
  if (enable === undefined) throw new RefusedError(400, `Invalid value for enable: ${JSON.stringify(text)}`)
  return enable
}

function selfView(agent: LocalAgent, version: string): unknown {
  const { node } = agent
  return {
    Config: {
      Datacenter: node.Datacenter,
      NodeName: node.Node,
      NodeID: node.ID,
      Revision: '',
      Server: true,
      Version: version,
    },
    DebugConfig: {},
    Member: {
      Name: node.Node,
      Addr: node.Address,
      Port: 8301,
      Tags: { build: version, dc: node.Datacenter, id: node.ID, role: 'consul' },
      Status: 1,
    },
    Stats: {
      agent: { checks: String(agent.checks().length), services: String(agent.services().length) },
    },
    Meta: node.Meta ?? {},
  }
}
