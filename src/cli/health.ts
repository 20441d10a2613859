import { messageOf } from '../base/errors.ts'
import type { Command } from './command.ts'
import { loadSettings } from './settings.ts'

/** `gatehouse health -cfg FILE`: asks the gateway of this configuration whether it serves. Exit code 0: it does. */
export const health: Command = async (context) => {
  const { config } = await loadSettings(context)
  const { host, port } = config['ui.addr']
  const isAny = host === '' || host === '0.0.0.0' || host === '::'
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const url = `http://${name}:${port}/health`
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
