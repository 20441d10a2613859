import { BlockList, isIPv6 } from 'node:net'
import { expected, type InterfaceAddress, type Interfaces, type Kind, orList, ValueError } from './kind.ts'
import { line } from './parsers.ts'

function blockList(...networks: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const blocks = new BlockList()
  for (const [network, prefix] of networks)
    blocks.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4')
  return blocks
}

/** Addresses that are no global unicast ones in Go's sense: unspecified, loopback, link-local, multicast, broadcast. */
const notGlobal = blockList(
  ['0.0.0.0', 32],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
)

/** What RFC 6890 sets apart and lets routers forward: what go-sockaddr calls private. */
const privateUse = blockList(
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['fc00::', 7],
)

/** What RFC 6890 sets apart for documentation and protocols: neither private nor public. */
const reserved = blockList(
  ['0.0.0.0', 8],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['240.0.0.0', 4],
  ['2001:db8::', 32],
  ['2001:10::', 28],
)

const linkLocal = blockList(['169.254.0.0', 16], ['fe80::', 10])

const has = (blocks: BlockList, { address }: InterfaceAddress): boolean =>
  blocks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

const isGlobal = (entry: InterfaceAddress): boolean => !has(notGlobal, entry)
const isPrivate = (entry: InterfaceAddress): boolean => has(privateUse, entry)
const isPublic = (entry: InterfaceAddress): boolean =>
  isGlobal(entry) && !isPrivate(entry) && !has(reserved, entry)

/** IPv4 first, then the larger network: go-sockaddr's order, in which a virtual /32 comes after the real address. */
function byTypeAndSize(a: InterfaceAddress, b: InterfaceAddress): number {
  const bits = (entry: InterfaceAddress): number => Number(entry.cidr?.split('/')[1] ?? 128)
  return Number(isIPv6(a.address)) - Number(isIPv6(b.address)) || bits(a) - bits(b)
}

/** The first address that `fits`, interface by interface: the operating system lists the main one before the others. */
function firstAddress(interfaces: Interfaces, fits: (entry: InterfaceAddress) => boolean): string | null {
  for (const entries of Object.values(interfaces)) {
    const found = entries?.filter(fits).sort(byTypeAndSize)[0]
    if (found !== undefined) return found.address
  }
  return null
}

/** The address by which others know this machine: its first global unicast one, IPv4 before IPv6; null without any. */
export function localAddress(interfaces: Interfaces): string | null {
  const entries = Object.values(interfaces).flatMap((each) => each ?? [])
  const global = entries.filter(isGlobal)
  return (global.find(({ address }) => !isIPv6(address)) ?? global[0])?.address ?? null
}

const forms = '{{ GetPrivateIP }}, {{ GetPublicIP }} or {{ GetInterfaceIP "eth0" }}'
const known = /^\s*(?:(GetPrivateIP)|(GetPublicIP)|GetInterfaceIP\s+"([^"]*)")\s*$/

/**
 * Replaces go-sockaddr templates (fabio reference 7.1) by addresses of this machine. Three forms are known:
 * `{{ GetPrivateIP }}`, `{{ GetPublicIP }}`, `{{ GetInterfaceIP "eth0" }}`. Throws `ValueError` for another one, and
 * where the machine has no such address: fabio puts in nothing then, which turns a private listener into a public one.
 * `write` says how an address is written.
 */
export function expandAddress(
  text: string,
  interfaces: Interfaces,
  write: (address: string) => string = (address) => address,
): string {
  const expanded = text.replace(/\{\{(.*?)\}\}/gs, (template, body: string) => {
    const match = known.exec(body)
    if (match === null) throw expected(`plain text, ${forms}`, template)
    return write(templateAddress(template, match, interfaces))
  })
  if (/\{\{|\}\}/.test(expanded)) throw expected(`plain text, ${forms}`, text)
  return expanded
}

function templateAddress(template: string, match: RegExpExecArray, interfaces: Interfaces): string {
  const [, isForPrivate, isForPublic, name = ''] = match
  if (isForPrivate !== undefined || isForPublic !== undefined) {
    const kind = isForPrivate === undefined ? 'public' : 'private'
    const found = firstAddress(interfaces, isForPrivate === undefined ? isPublic : isPrivate)
    if (found === null)
      throw new ValueError(`${template}: expected a ${kind} address on this machine, got none`)
    return found
  }
  if (!Object.hasOwn(interfaces, name)) {
    const names = orList(Object.keys(interfaces))
    throw expected(`${template} to name an interface of this machine (${names})`, name)
  }
  const found = firstAddress({ [name]: interfaces[name] }, (entry) => !has(linkLocal, entry))
  if (found === null) throw new ValueError(`${template}: expected an address on ${name}, got none`)
  return found
}

/** Address of this machine in `Forwarded`; `auto`: found out; empty: none. */
export const localIp: Kind<string> = {
  type: 'address',
  parse(text, context) {
    if (text === 'auto') return localAddress(context.interfaces) ?? ''
    return expandAddress(line.parse(text, context), context.interfaces)
  },
}

/** fabio's `clean` (reference 11.3). */
const clean = (text: string): string => (text === '' ? '_' : text.replace(/[.:]/g, '_').toLowerCase())

/** Prefix of metric names: a Go template with `.Hostname`, `.Exec` and `clean` (fabio reference 11.3). */
export const metricsPrefix: Kind<string> = {
  type: 'text',
  parse(text, context) {
    const template = text === 'default' ? '{{clean .Hostname}}.{{clean .Exec}}' : line.parse(text, context)
    const expanded = template.replace(/\{\{\s*(clean\s+)?\.(Hostname|Exec)\s*\}\}/g, (_, cleaned, field) => {
      const value = field === 'Hostname' ? context.hostname : 'gatehouse'
      return cleaned === undefined ? value : clean(value)
    })
    if (/\{\{|\}\}/.test(expanded)) throw expected('{{clean .Hostname}}, {{clean .Exec}} or plain text', text)
    return expanded
  },
}
