import { request } from 'undici'
import { messageOf, StartError } from '../base/errors.ts'
import type { Config } from '../config/load.ts'
import { type CommandArguments, UsageError } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { loadSettings } from './settings.ts'

/** No gateway is there, or what is there is none. */
export class NoGatewayError extends StartError {}

/** Nobody answers at all. */
export class NotRunningError extends NoGatewayError {}

/** Where the API of the gateway of this configuration is, from this machine. */
export const apiAddress = (config: Config): string => adminAddress(config) + config['ui.path']

/** The admin port of the gateway of this configuration, from this machine. */
export function adminAddress(config: Config): string {
  const { host, port } = config['ui.addr']
  const isAny = host === '' || host === '0.0.0.0' || host === '::'
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

/** Where `--admin` says, else where the configuration says. */
export async function adminOf(
  { flags, options }: CommandArguments,
  context: CommandContext,
): Promise<string> {
  const given = flags.get('admin')?.[0]
  if (given === undefined) {
    return apiAddress((await loadSettings({ ...context, argv: options })).config)
  }
  const address = given.startsWith(':') ? `localhost${given}` : given
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`
  if (!URL.canParse(url))
    throw new UsageError(
      `flag --admin: expected a URL like http://localhost:9998, got ${JSON.stringify(given)}`,
    )
  return url.replace(/\/+$/, '')
}

/**
 * Asks the admin port of a running gateway. Rejects with a NoGatewayError.
 *
 * @param admin may have a user and a password, `http://user:password@localhost:9998`
 */
export async function askAdmin<T>(admin: string, path: string): Promise<T> {
  const { url, authorization } = withoutCredentials(admin + path)
  let text = ''
  let status = 0
  let elsewhere = ''
  try {
    // Not fetch: it refuses ports that a browser does not trust, and any port may be the gateway's.
    const answer = await request(url, {
      headers: authorization === '' ? {} : { authorization },
      signal: AbortSignal.timeout(10_000),
    })
    text = await answer.body.text()
    status = answer.statusCode
    elsewhere = status >= 300 && status < 400 ? String(answer.headers.location ?? '') : ''
    const body = JSON.parse(text) as T & { error?: string }
    if (status === 400 && body.error !== undefined) throw new UsageError(body.error)
    if (status === 200) return body
  } catch (error) {
    if (error instanceof UsageError) throw error
    const cause = error instanceof Error ? (error.cause ?? error) : error
    if (status === 0) {
      const where = withoutCredentials(admin).url.replace(/\/$/, '')
      throw new NotRunningError(`${where}: expected a running gateway, got ${messageOf(cause)}`, { cause })
    }
  }
  if (status === 401) {
    const found = authorization === '' ? 'none' : 'another one'
    throw new NoGatewayError(
      `${url}: expected a login that ui.auth lets read, got ${found}: --admin http://user:password@host:9998`,
    )
  }
  if (elsewhere !== '') {
    throw new NoGatewayError(
      `${url}: expected the answer of a gateway, got ${status} that leads to ${elsewhere}: ui.auth asks for a login in a browser`,
    )
  }
  throw new NoGatewayError(
    `${url}: expected the answer of a gateway, got ${status}: ${text.trim().slice(0, 100)}`,
  )
}

/** No request takes credentials in its URL, and no message should have them either. */
export function withoutCredentials(text: string): { url: string; authorization: string } {
  const url = new URL(text)
  const { username, password } = url
  if (username === '' && password === '') return { url: text, authorization: '' }
  url.username = ''
  url.password = ''
  const pair = `${decoded(username)}:${decoded(password)}`
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** A `%` that begins no escape stands for itself. */
const decoded = (text: string): string => decodeURIComponent(text.replace(/%(?![\da-f]{2})/gi, '%25'))
