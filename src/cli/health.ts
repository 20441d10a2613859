import { request } from 'undici'
import { messageOf } from '../base/errors.ts'
import { adminAddress } from './admin-client.ts'
import type { Command } from './command.ts'
import { loadSettings } from './settings.ts'

/** `gatehouse health -cfg FILE`: asks the gateway of this configuration whether it serves. Exit code 0: it does. */
export const health: Command = async (context) => {
  const { config } = await loadSettings(context)
  const url = `${adminAddress(config)}/health`
  try {
    const answer = await request(url, { signal: AbortSignal.timeout(3_000) })
    await answer.body.dump()
    if (answer.statusCode === 200) return 0
    context.complain(`${url}: expected 200, got ${answer.statusCode}\n`)
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    context.complain(`${url}: expected an answer, got ${messageOf(cause)}\n`)
  }
  return 1
}
