import { systemWorld } from '../../src/base/world.ts'
import { controlOptions, trafficOptions } from '../../src/cli/settings.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Control, createControl } from '../../src/control.ts'
import type {
  CommandDocument,
  Registry,
  RegistryListener,
  ServiceInstances,
} from '../../src/registry/registry.ts'
import { createTraffic, type Traffic } from '../../src/traffic.ts'
import { CapturedLog } from './captured-log.ts'

/** Both planes of a gateway without any port, on a registry that says what the test says. */
export interface Planes {
  readonly control: Control
  readonly traffic: Traffic
  readonly log: CapturedLog
  readonly aliases: () => readonly string[]
  tellServices(changes: readonly ServiceInstances[]): void
  tellCommands(documents: readonly CommandDocument[]): void
  tellPage(html: string): void
}

/** @param flags of the configuration */
export async function startPlanes(flags: readonly string[] = []): Promise<Planes> {
  const { config } = await loadConfig({
    argv: flags,
    env: {},
    interfaces: {},
    hostname: 'test',
    readFile: () => Promise.reject(Object.assign(new Error('no file'), { code: 'ENOENT' })),
    fetchText: () => Promise.reject(new Error('no URL')),
  })
  const log = new CapturedLog()
  let listener: RegistryListener | null = null
  let aliases: readonly string[] = []
  const registry: Registry = {
    kind: 'test',
    address: 'test',
    datacenter: 'dc1',
    async start(given) {
      listener = given
    },
    status: () => ({ connected: true, lastContactAt: null, error: '' }),
    close: async () => {},
  }
  const traffic = createTraffic(trafficOptions(config, null, {}), {
    world: systemWorld,
    log,
    newId: () => 'id',
    self: null,
  })
  const control = createControl(controlOptions(config), {
    registry,
    publish: (changes) => traffic.apply(changes),
    publishNoRoutePage: (html) => traffic.setNoRoutePage(html),
    publishAliases: (names) => {
      aliases = names
    },
    statusChanged() {},
    world: systemWorld,
    log,
  })
  await control.start()
  return {
    control,
    traffic,
    log,
    aliases: () => aliases,
    tellServices: (changes) => listener!.changed(changes),
    tellCommands: (documents) => listener!.commandsChanged(documents),
    tellPage: (html) => listener!.noRoutePageChanged(html),
  }
}
