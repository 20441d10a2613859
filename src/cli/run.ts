import type { Command } from './command.ts'
import { endGateway, startGateway, untilStopped } from './gateway.ts'
import { loadSettings } from './settings.ts'

/** `gatehouse -cfg FILE`: the gateway, until it is told to stop. */
export const run: Command = async (context) => {
  const loaded = await loadSettings(context)
  const gateway = await startGateway(loaded, context)
  await untilStopped(context.stop)
  return endGateway(gateway, loaded.config)
}
