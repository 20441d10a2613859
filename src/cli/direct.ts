import { randomUUID } from 'node:crypto'
import { QuestionError } from '../admin/explanation.ts'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/load.ts'
import { createControl } from '../control.ts'
import { createTraffic } from '../traffic.ts'
import { UsageError } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { explainBy } from './explain-by.ts'
import { chooseRegistry } from './registries.ts'
import { controlOptions, errorPages, trafficOptions } from './settings.ts'
import type { Views } from './views.ts'

/** Somebody waits at a terminal: no longer than this for the registry, whatever a gateway may. */
const longestMs = 3_000

/** What is wrong is in what is printed. */
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Reads the registry of the configuration once and makes of it what a gateway would: the same two planes, of which the
 * one opens no port and the other registers nothing. Rejects with a StartError where the registry does not answer.
 */
export async function askRegistry(config: Config, context: CommandContext): Promise<Views> {
  const { world } = context
  const hasty = { ...config, 'registry.timeout': Math.min(longestMs, config['registry.timeout']) }
  const { registry } = await chooseRegistry(hasty, context, silent)
  const traffic = createTraffic(trafficOptions(config, null, await errorPages(config, context)), {
    world,
    log: silent,
    newId: randomUUID,
    self: null,
  })
  const control = createControl(controlOptions(config), {
    registry,
    publish: (changes) => traffic.apply(changes),
    publishNoRoutePage: (html) => traffic.setNoRoutePage(html),
    publishAliases() {},
    statusChanged() {},
    world,
    log: silent,
  })
  const close = async (): Promise<void> => {
    await Promise.all([control.close(), traffic.drain(0)])
  }
  try {
    await control.start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    asked: `${registry.kind} at ${registry.address}`,
    isGateway: false,
    table: control.table(),
    services: async (only) => control.services(only),
    problems: async () => control.problems(),
    async explain(query) {
      try {
        return explainBy({ control, traffic, clock: world.clock }, query, '127.0.0.1')
      } catch (error) {
        if (!(error instanceof QuestionError)) throw error
        throw new UsageError(error.message)
      }
    },
    close,
  }
}
