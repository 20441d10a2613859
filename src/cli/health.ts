import { messageOf } from '../base/errors.ts'
import { adminAddress } from './admin-client.ts'
import type { Command } from './command.ts'
import { loadSettings } from './settings.ts'

/** `gatehouse health -cfg FILE`: asks the gateway of this configuration whether it serves. Exit code 0: it does. */
export const health: Command = async (context) => {
  const { config } = await loadSettings(context)
  const url = `${adminAddress(config)}/health`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) })
    if (answer.status === 200) return 0
    context.complain(`${url}: expected 200, got ${answer.status}\n`)
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    context.complain(`${url}: expected an answer, got ${messageOf(cause)}\n`)
  }
  return 1
}
