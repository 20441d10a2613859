import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import Consul from 'consul'
import { messageOf } from '../../base/errors.ts'
import { type ConsulClientOptions, ConsulError } from './client.ts'

/** What is asked of the Consul agent to have the gateway registered. Every method rejects with a ConsulError. */
export interface AgentApi {
  /** Adds or replaces the service with its checks. */
  register(service: RegisteredService): Promise<void>
  /** A sign of life for a TTL check. */
  pass(checkId: string): Promise<void>
  deregister(serviceId: string): Promise<void>
  /** Cuts what is under way. */
  close(): void
}

export interface RegisteredService {
  readonly name: string
  readonly id: string
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly ttl: {
    readonly checkId: string
    /** Milliseconds. */
    readonly ttl: number
    /** Milliseconds for which it may be critical until Consul takes the service away. */
    readonly deregisterAfter: number
  }
  readonly http: {
    readonly url: string
    /** Milliseconds. */
    readonly interval: number
    /** Milliseconds. */
    readonly timeout: number
    readonly skipVerify: boolean
  }
}

/** Fewer than an agent allows to one address (200), which the watches need. */
const mostConnections = 4

/**
 * The agent's API by way of the `consul` package.
 *
 * @param timeout milliseconds for a call; the package has none of its own, and where a body is cut its promise would
 *   never settle
 */
export function createAgentApi(
  options: Pick<ConsulClientOptions, 'address' | 'token' | 'namespace' | 'partition' | 'tls'>,
  timeout = 5_000,
): AgentApi {
  const { address, token, namespace, partition, tls } = options
  const isSecure = address.scheme === 'https'
  // A connection for each call: they are seconds apart, and a kept one may have died since.
  // The host stands here too because the package would look up an IPv6 address with its brackets as a name.
  const host = address.host.replace(/^\[|\]$/g, '')
  const connections = { keepAlive: false, maxSockets: mostConnections, host }
  const agent = isSecure
    ? new HttpsAgent({
        ...connections,
        ca: tls.ca,
        cert: tls.cert,
        key: tls.key,
        ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
        rejectUnauthorized: !tls.skipVerify,
      })
    : new HttpAgent(connections)
  // The package passes `timeout` and `headers` on to its HTTP client, and its types do not know them. The header is
  // Consul's other way to name a namespace and a partition; the package has no parameter for them.
  const client = {
    host: address.host,
    port: address.port,
    secure: isSecure,
    agent,
    timeout,
    headers: {
      ...(namespace === '' ? {} : { 'x-consul-namespace': namespace }),
      ...(partition === '' ? {} : { 'x-consul-partition': partition }),
    },
    ...(token === '' ? {} : { defaults: { token } }),
  }
  const consul = new Consul(client)
  const url = `${address.scheme}://${address.host}:${address.port}`
  const call = async (what: string, answer: Promise<unknown>): Promise<void> => {
    try {
      await answer
    } catch (error) {
      throw asConsulError(`${url}/v1/agent/${what}`, error)
    }
  }
  return {
    register: (service) => call('service/register', consul.agent.service.register(asRequest(service))),
    pass: (id) => call(`check/pass/${id}`, consul.agent.check.pass(id)),
    deregister: (id) => call(`service/deregister/${id}`, consul.agent.service.deregister(id)),
    close: () => agent.destroy(),
  }
}

/** In the form that the package takes. */
function asRequest({ ttl, http, tags, ...service }: RegisteredService) {
  return {
    ...service,
    tags: [...tags],
    checks: [
      {
        name: 'gatehouse is alive',
        checkid: ttl.checkId,
        ttl: `${ttl.ttl}ms`,
        deregistercriticalserviceafter: `${ttl.deregisterAfter}ms`,
        // The type asks for it; a check with a TTL has none and the package sends none.
        timeout: '',
      },
      {
        // Without an ID of its own Consul numbers it, as fabio's: that one is replaced where it was left behind.
        name: `${http.url} answers`,
        http: http.url,
        interval: `${http.interval}ms`,
        timeout: `${http.timeout}ms`,
        tlsskipverify: http.skipVerify,
      },
    ],
  }
}

/** The package says `internal server error` and keeps the agent's own words in the response. */
function asConsulError(where: string, error: unknown): ConsulError {
  const { response } = error as { response?: { statusCode?: number; body?: unknown } }
  if (response?.statusCode === undefined) {
    return new ConsulError(0, `${where}: ${messageOf(error)}`, { cause: error })
  }
  const words = String(response.body ?? '')
    .trim()
    .slice(0, 200)
  return new ConsulError(
    response.statusCode,
    `${where}: expected 200, got ${response.statusCode}${words === '' ? '' : `: ${words}`}`,
    { cause: error },
  )
}
