import { isIP } from 'node:net'
import { bool, duration, integer, list, mapOf, opaque, pointer, struct, type Type, text } from './decode.ts'
import { RefusedError } from './refused.ts'

/** Request bodies that Consul's agent and catalog endpoints take, and the rules that they must follow. */

type Of<T> = T extends Type<infer D> ? D : never

const weights = struct('structs.Weights', { Passing: integer, Warning: integer })
const serviceAddress = struct('structs.ServiceAddress', { Address: text, Port: integer })

const checkFields = {
  CheckID: text,
  Name: text,
  Notes: text,
  Status: text,
  HTTP: text,
  Header: mapOf(list(text)),
  Method: text,
  Body: text,
  TLSSkipVerify: bool,
  TCP: text,
  TTL: duration,
  Interval: duration,
  Timeout: duration,
  SuccessBeforePassing: integer,
  FailuresBeforeCritical: integer,
  OutputMaxSize: integer,
  DeregisterCriticalServiceAfter: duration,
  // Kinds of checks that are refused below, and what only they use.
  Args: list(text),
  ScriptArgs: list(text),
  Shell: text,
  DockerContainerID: text,
  GRPC: text,
  GRPCUseTLS: bool,
  AliasNode: text,
  AliasService: text,
  ProxyHTTP: text,
  ProxyGRPC: text,
} as const

const checkType = struct('structs.CheckType', checkFields)

export type CheckStatus = 'passing' | 'warning' | 'critical'

/** A check as it is registered. Durations are in milliseconds, 0 where none was given. */
export type CheckDefinition = Of<typeof checkType>

export const agentCheck = struct('structs.CheckDefinition', {
  ...checkFields,
  ID: text,
  ServiceID: text,
  Token: text,
  Namespace: text,
})
export type AgentCheck = Of<typeof agentCheck>

export const agentService = struct('structs.ServiceDefinition', {
  Kind: text,
  ID: text,
  Name: text,
  Tags: list(text),
  Address: text,
  TaggedAddresses: mapOf(serviceAddress),
  Meta: mapOf(text),
  Port: integer,
  Check: checkType,
  Checks: { ...list(checkType), name: 'structs.CheckTypes' },
  Weights: pointer(weights),
  Token: text,
  EnableTagOverride: bool,
  Proxy: opaque,
  Connect: opaque,
  Namespace: text,
})
export type AgentService = Of<typeof agentService>

export const checkUpdate = struct('agent.checkUpdate', { Status: text, Output: text })

// What a client may have read and sends back; the catalog sets them anew.
const indices = { CreateIndex: integer, ModifyIndex: integer, Namespace: text } as const

const catalogService = struct('structs.NodeService', {
  Kind: text,
  ID: text,
  Service: text,
  Tags: list(text),
  Address: text,
  TaggedAddresses: mapOf(serviceAddress),
  Meta: mapOf(text),
  Port: integer,
  Weights: pointer(weights),
  EnableTagOverride: bool,
  Proxy: opaque,
  Connect: opaque,
  ...indices,
})

const catalogCheck = struct('structs.HealthCheck', {
  Node: text,
  CheckID: text,
  Name: text,
  Status: text,
  Notes: text,
  Output: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: list(text),
  Type: text,
  Definition: opaque,
  ...indices,
})
export type CatalogCheck = Of<typeof catalogCheck>

export const catalogRegistration = struct('structs.RegisterRequest', {
  Datacenter: text,
  ID: text,
  Node: text,
  Address: text,
  TaggedAddresses: mapOf(text),
  NodeMeta: mapOf(text),
  Service: pointer(catalogService),
  Check: pointer(catalogCheck),
  Checks: list(catalogCheck),
  SkipNodeUpdate: bool,
  Namespace: text,
})
export type CatalogRegistration = Of<typeof catalogRegistration>

export const catalogDeregistration = struct('structs.DeregisterRequest', {
  Datacenter: text,
  Node: text,
  ServiceID: text,
  CheckID: text,
  Namespace: text,
})

const isStatus = (text: string): text is CheckStatus => ['passing', 'warning', 'critical'].includes(text)

/** The checks of a registration: `Check` and `Checks` together, without empty ones. Throws a RefusedError. */
export function validateService(service: AgentService): CheckDefinition[] {
  if (service.Name === '') throw new RefusedError(400, 'Missing service name')
  if (['0.0.0.0', '::', '[::]'].includes(service.Address)) {
    throw new RefusedError(400, 'Invalid service address')
  }
  validateWeights(service.Weights)
  validateMeta(service.Meta)
  validateProxy(service)
  const checks = [service.Check, ...service.Checks].filter((check) => !isEmpty(check))
  for (const check of checks) validateCheck(check)
  if (checks.some(({ Status }) => Status !== '' && !isStatus(Status))) {
    throw new RefusedError(400, "Status for checks must 'passing', 'warning', 'critical'")
  }
  return checks
}

/** Throws a RefusedError. */
export function validateAgentCheck(check: AgentCheck): void {
  if (check.Name === '') throw new RefusedError(400, 'Missing check name')
  if (check.Status !== '' && !isStatus(check.Status)) throw new RefusedError(400, 'Bad check status')
  validateCheck(check)
}

/** Throws a RefusedError for anything but a status. */
export function validateStatus(text: string): CheckStatus {
  if (!isStatus(text)) throw new RefusedError(400, `Invalid check status: '${text}'`)
  return text
}

function isEmpty(check: CheckDefinition): boolean {
  return Object.entries(checkFields).every(
    ([field, type]) => JSON.stringify(check[field as keyof CheckDefinition]) === JSON.stringify(type.zero),
  )
}

function validateCheck(check: CheckDefinition): void {
  if (check.Args.length > 0 || check.ScriptArgs.length > 0) {
    const how = "to enable, configure 'enable_script_checks' to true"
    throw new RefusedError(500, `Scripts are disabled on this agent from remote calls; ${how}`)
  }
  const foreign = (['DockerContainerID', 'GRPC', 'AliasNode', 'AliasService'] as const).find(
    (field) => check[field] !== '',
  )
  if (foreign !== undefined) {
    const found = `got ${foreign}, which needs a real Consul agent`
    throw new RefusedError(400, `Invalid check: expected one of HTTP, TCP and TTL, ${found}`)
  }
  const isProbe = check.HTTP !== '' || check.TCP !== ''
  if (check.Interval > 0 && check.TTL > 0) {
    throw new RefusedError(400, 'Invalid check: Interval and TTL cannot both be specified')
  }
  if (isProbe && check.Interval <= 0) {
    throw new RefusedError(400, 'Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks')
  }
  if (!isProbe && check.TTL <= 0) {
    throw new RefusedError(400, 'Invalid check: TTL must be > 0 for TTL checks')
  }
  if (check.OutputMaxSize < 0) throw new RefusedError(400, 'Invalid check: MaxOutputMaxSize must be positive')
}

function validateWeights(weights: AgentService['Weights']): void {
  if (weights === null) return
  const problem =
    weights.Passing < 1
      ? 'Passing must be greater than 0'
      : weights.Warning < 0
        ? 'Warning must be greater or equal than 0'
        : weights.Passing > 65_535 || weights.Warning > 65_535
          ? 'DNS Weight must be between 0 and 65535'
          : null
  if (problem !== null) throw new RefusedError(400, `Invalid Weights: ${problem}`)
}

function validateMeta(meta: AgentService['Meta']): void {
  const pairs = Object.entries(meta ?? {})
  if (pairs.length > 64) {
    throw new RefusedError(
      400,
      'Invalid Service Meta: Node metadata cannot contain more than 64 key/value pairs',
    )
  }
  for (const [key, value] of pairs) {
    const problem =
      key === ''
        ? 'Key cannot be blank'
        : !/^[a-zA-Z0-9_-]+$/.test(key)
          ? 'Key contains invalid characters'
          : key.length > 128
            ? 'Key is too long (limit: 128 characters)'
            : value.length > 512
              ? 'Value is too long (limit: 512 characters)'
              : null
    if (problem !== null) {
      throw new RefusedError(
        400,
        `Invalid Service Meta: Couldn't load metadata pair ('${key}', '${value}'): ${problem}`,
      )
    }
  }
}

function validateProxy(service: AgentService): void {
  if (service.Kind !== 'connect-proxy') return
  const problems: string[] = []
  if ((service.Proxy?.DestinationServiceName ?? '') === '') {
    problems.push('Proxy.DestinationServiceName must be non-empty for Connect proxy services')
  }
  if (service.Port === 0) problems.push('Port must be set for a Connect proxy')
  if (problems.length === 0) return
  const heading = problems.length === 1 ? '1 error occurred:' : `${problems.length} errors occurred:`
  throw new RefusedError(400, `${heading}\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`)
}

/** An instance under a literal IP address gets that address as its tagged ones, too, unless they were given. */
export function taggedAddresses({
  Address,
  Port,
  TaggedAddresses,
}: AgentService): AgentService['TaggedAddresses'] {
  const version = isIP(Address)
  if (version === 0) return TaggedAddresses
  const same = { Address, Port }
  return { [`lan_ipv${version}`]: same, [`wan_ipv${version}`]: same, ...TaggedAddresses }
}
