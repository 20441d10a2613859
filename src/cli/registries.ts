import type { Log } from '../base/log.ts'
import type { Config } from '../config/load.ts'
import { localAddress } from '../config/templates.ts'
import { createAgentApi } from '../registry/consul/agent-api.ts'
import type { ConsulClientOptions } from '../registry/consul/client.ts'
import { ConsulRegistry } from '../registry/consul/consul-registry.ts'
import { SelfRegistration } from '../registry/consul/self-registration.ts'
import { CustomRegistry } from '../registry/custom.ts'
import { FileRegistry } from '../registry/file.ts'
import type { Registry } from '../registry/registry.ts'
import { StaticRegistry } from '../registry/static.ts'
import type { CommandContext } from './command.ts'
import { consulOptions, isLoopback } from './settings.ts'

/** The registry of `registry.backend`, and how the gateway makes itself known there. */
export interface ChosenRegistry {
  readonly registry: Registry
  /** Null where there is nobody to make oneself known to, or it is not wished for. */
  selfRegistration(adminPort: number): SelfRegistration | null
}

export async function chooseRegistry(
  config: Config,
  context: CommandContext,
  log: Log,
): Promise<ChosenRegistry> {
  const { world } = context
  const nobody = { selfRegistration: () => null }
  switch (config['registry.backend']) {
    case 'static': {
      const options = {
        routes: config['registry.static.routes'],
        noRouteHtml: config['registry.static.noroutehtml'],
      }
      return { registry: new StaticRegistry(options, world.clock), ...nobody }
    }
    case 'file': {
      const options = {
        path: config['registry.file.path'],
        noRouteHtmlPath: config['registry.file.noroutehtmlpath'],
      }
      return { registry: new FileRegistry(options, world.clock, log), ...nobody }
    }
    case 'custom':
      return { registry: new CustomRegistry(customOptions(config), world.clock, log), ...nobody }
    case 'consul': {
      const options = await consulOptions(config, context)
      return {
        registry: new ConsulRegistry(options, world, log),
        selfRegistration: (adminPort) => selfRegistration(config, context, log, options.client, adminPort),
      }
    }
  }
}

const customOptions = (config: Config): ConstructorParameters<typeof CustomRegistry>[0] => ({
  scheme: config['registry.custom.scheme'],
  host: config['registry.custom.host'],
  path: config['registry.custom.path'],
  queryParams: config['registry.custom.queryparams'],
  timeout: config['registry.custom.timeout'],
  pollInterval: config['registry.custom.pollinterval'],
  skipVerify: config['registry.custom.checkTLSSkipVerify'],
  noRouteHtml: config['registry.custom.noroutehtml'],
  startTimeout: config['registry.timeout'],
  retry: config['registry.retry'],
})

function selfRegistration(
  config: Config,
  { hostname, interfaces, world }: CommandContext,
  log: Log,
  client: ConsulClientOptions,
  adminPort: number,
): SelfRegistration | null {
  if (!config['registry.consul.register.enabled']) return null
  const given = config['registry.consul.register.addr']
  const { host, port } = given ?? { host: config['ui.addr'].host, port: adminPort }
  return new SelfRegistration(
    {
      name: config['registry.consul.register.name'],
      hostname,
      host,
      port,
      // Who asks a Consul on this machine can be asked by it, also where there is no network at all.
      localAddress: localAddress(interfaces) ?? (isLoopback(client.address.host) ? '127.0.0.1' : null),
      tags: config['registry.consul.register.tags'],
      deregisterAfter: config['registry.consul.register.checkDeregisterCriticalServiceAfter'],
      check: {
        scheme: 'http',
        interval: config['registry.consul.register.checkInterval'],
        timeout: config['registry.consul.register.checkTimeout'],
        skipVerify: config['registry.consul.register.checkTLSSkipVerify'],
      },
    },
    createAgentApi(client),
    world.clock,
    log,
  )
}
