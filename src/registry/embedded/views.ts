import type { HealthCheck, HealthEntry, Node, NodeService, Stored } from './objects.ts'

/** Objects as Consul's endpoints show them, field by field in its order; what it omits when empty is omitted. */

export function nodeView(node: Stored<Node>): Record<string, unknown> {
  return {
    ID: node.ID,
    Node: node.Node,
    Address: node.Address,
    Datacenter: node.Datacenter,
    TaggedAddresses: node.TaggedAddresses,
    Meta: node.Meta,
    CreateIndex: node.CreateIndex,
    ModifyIndex: node.ModifyIndex,
  }
}

export function checkView(check: Stored<HealthCheck>): Record<string, unknown> {
  return {
    Node: check.Node,
    CheckID: check.CheckID,
    Name: check.Name,
    Status: check.Status,
    Notes: check.Notes,
    Output: check.Output,
    ServiceID: check.ServiceID,
    ServiceName: check.ServiceName,
    ServiceTags: check.ServiceTags,
    Type: check.Type,
    Definition: {},
    CreateIndex: check.CreateIndex,
    ModifyIndex: check.ModifyIndex,
  }
}

/** Of `/v1/health/service`. */
export function healthEntryView({ Node, Service, Checks }: HealthEntry): Record<string, unknown> {
  return {
    Node: nodeView(Node),
    Service: {
      ...kindOf(Service),
      ID: Service.ID,
      Service: Service.Service,
      Tags: Service.Tags,
      Address: Service.Address,
      ...taggedAddressesOf(Service, 'TaggedAddresses'),
      Meta: Service.Meta,
      Port: Service.Port,
      Weights: Service.Weights,
      EnableTagOverride: Service.EnableTagOverride,
      Proxy: proxyOf(Service),
      Connect: Service.Connect ?? {},
      CreateIndex: Service.CreateIndex,
      ModifyIndex: Service.ModifyIndex,
    },
    Checks: Checks.map(checkView),
  }
}

/** Of `/v1/catalog/service`: node and service in one object. */
export function catalogServiceView(
  node: Stored<Node>,
  service: Stored<NodeService>,
): Record<string, unknown> {
  return {
    ID: node.ID,
    Node: node.Node,
    Address: node.Address,
    Datacenter: node.Datacenter,
    TaggedAddresses: node.TaggedAddresses,
    NodeMeta: node.Meta,
    ServiceKind: service.Kind,
    ServiceID: service.ID,
    ServiceName: service.Service,
    ServiceTags: service.Tags,
    ServiceAddress: service.Address,
    ...taggedAddressesOf(service, 'ServiceTaggedAddresses'),
    ServiceWeights: service.Weights,
    ServiceMeta: service.Meta ?? {},
    ServicePort: service.Port,
    ServiceEnableTagOverride: service.EnableTagOverride,
    ServiceProxy: proxyOf(service),
    ServiceConnect: service.Connect ?? {},
    CreateIndex: service.CreateIndex,
    ModifyIndex: service.ModifyIndex,
  }
}

/** Of `/v1/agent/services`. */
export function agentServiceView(service: NodeService): Record<string, unknown> {
  return {
    ...kindOf(service),
    ID: service.ID,
    Service: service.Service,
    Tags: service.Tags,
    Meta: service.Meta ?? {},
    Port: service.Port,
    Address: service.Address,
    ...taggedAddressesOf(service, 'TaggedAddresses'),
    Weights: service.Weights,
    EnableTagOverride: service.EnableTagOverride,
    ...(service.Proxy === null ? {} : { Proxy: proxyOf(service) }),
    ...(service.Connect === null ? {} : { Connect: service.Connect }),
  }
}

const kindOf = ({ Kind }: NodeService): { Kind?: string } => (Kind === '' ? {} : { Kind })

const taggedAddressesOf = ({ TaggedAddresses }: NodeService, name: string): Record<string, unknown> =>
  TaggedAddresses === null ? {} : { [name]: TaggedAddresses }

const proxyOf = (service: NodeService): Record<string, unknown> => ({
  ...service.Proxy,
  MeshGateway: {},
  Expose: {},
})
