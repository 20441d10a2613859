/** Consul's objects, with the names that its HTTP API gives to their fields. Never changed: a write puts a new one. */

export interface Node {
  /** A UUID, or empty. */
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Datacenter: string
  readonly TaggedAddresses: Readonly<Record<string, string>> | null
  readonly Meta: Readonly<Record<string, string>> | null
}

export interface ServiceAddress {
  readonly Address: string
  readonly Port: number
}

export interface Weights {
  readonly Passing: number
  readonly Warning: number
}

export interface NodeService {
  /** Empty for an ordinary service; `connect-proxy`, `mesh-gateway`, ... */
  readonly Kind: string
  /** Unique on its node. */
  readonly ID: string
  /** The name. */
  readonly Service: string
  readonly Tags: readonly string[]
  /** Empty: the node's address. */
  readonly Address: string
  readonly TaggedAddresses: Readonly<Record<string, ServiceAddress>> | null
  readonly Meta: Readonly<Record<string, string>> | null
  readonly Port: number
  readonly Weights: Weights
  readonly EnableTagOverride: boolean
  readonly Proxy: Readonly<Record<string, unknown>> | null
  readonly Connect: Readonly<Record<string, unknown>> | null
}

export interface HealthCheck {
  readonly Node: string
  /** Unique on its node. */
  readonly CheckID: string
  readonly Name: string
  /** `passing`, `warning` or `critical`; the catalog takes any text. */
  readonly Status: string
  readonly Notes: string
  readonly Output: string
  /** Empty: a check of the node itself. */
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceTags: readonly string[]
  /** `http`, `tcp`, `ttl`, `maintenance`, or empty. */
  readonly Type: string
}

/** When an object came into the catalog and when it last changed, in Raft indices. */
export interface Indices {
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export type Stored<T> = T & Indices

/** One instance of a service with everything that says whether it is healthy. */
export interface HealthEntry {
  readonly Node: Stored<Node>
  readonly Service: Stored<NodeService>
  /** The node's own checks first, then the service's; each by ID. */
  readonly Checks: readonly Stored<HealthCheck>[]
}
