import { isDeepStrictEqual } from 'node:util'
import type { ConfigView } from '../admin/view.ts'
import type { Interfaces, ListenerTimeouts } from '../config/kind.ts'
import type { LoadResult } from '../config/load.ts'
import { type OptionKey, optionKeys, rowOf } from '../config/options.ts'

/** In place of what nobody may read. */
export const secret = '(secret)'

/** Options that are a secret as a whole. Of a URL with credentials in its query nobody knows which part they are. */
const secretKeys: ReadonlySet<OptionKey> = new Set<OptionKey>([
  'registry.consul.token',
  'registry.custom.queryparams',
  'metrics.circonus.apikey',
  'tracing.headers',
  'metrics.circonus.submissionurl',
  'proxy.header.request.add',
  'proxy.header.request.set',
])

/** Names of what is secret within a value: pairs of bgp.peers, of certificate sources, parameters of URLs. */
const secretName = /^(?:.*(?:password|passwd|secret|token|api-?key)|hdr)$/i

/** Every option with its value, where that comes from, and its default (compare fabio reference 9.4, QUIRK-42). */
export function configView(
  { config, sources }: LoadResult,
  machine: { readonly interfaces: Interfaces; readonly hostname: string },
): ConfigView {
  const listenerTimeouts: ListenerTimeouts = {
    readTimeout: config['proxy.readtimeout'],
    writeTimeout: config['proxy.writetimeout'],
    idleTimeout: config['proxy.clientidletimeout'],
  }
  const context = { ...machine, listenerTimeouts, warn: () => {} }
  return Object.fromEntries(
    optionKeys.map((key) => {
      const { kind, default: text } = rowOf(key)
      const standard = kind.parse(text, context)
      const isSecret = secretKeys.has(key) && !isDeepStrictEqual(config[key], standard)
      const value = isSecret ? secret : withoutSecrets(config[key])
      return [key, { value, source: sources[key], default: standard, type: kind.type }]
    }),
  )
}

export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (value instanceof Map) return withoutSecrets(Object.fromEntries(value))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && inner !== '' ? secret : withoutSecrets(inner),
    ]),
  )
}

/** `https://user:password@host/?token=x` */
const withoutCredentials = (text: string): string =>
  text
    .replace(/(:\/\/)[^/@\s]+@/g, `$1${secret}@`)
    .replace(/([?&]([^=&#]+)=)([^&#]*)/g, (all, start: string, name: string) =>
      secretName.test(name) ? start + secret : all,
    )
