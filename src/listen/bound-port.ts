import { lookup } from 'node:dns/promises'
import net, { isIP } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { messageOf, StartError } from '../base/errors.ts'

/** Connections that wait to be accepted, at most. */
export const backlog = 4096

/**
 * A port that is bound, for other processes to listen on. Once one of them has, connections are taken and wait as long
 * as anybody holds the port: also while nobody listens, because all who did are gone and others are not there yet.
 */
export interface BoundPort {
  /** `0.0.0.0:9999`, `[::]:9999` */
  readonly address: string
  readonly port: number
  /** What another process can be sent. */
  readonly handle: object
  close(): void
}

interface BoundHandle {
  getsockname(into: Partial<SocketName>): number
  close(): void
}

interface SocketName {
  readonly address: string
  readonly family: string
  readonly port: number
}

/**
 * What Node's own cluster module binds its ports with, which lets go of them with the last worker. Not part of Node's
 * documented interface, so it is looked for first.
 */
type CreateHandle = (address: string | null, port: number, family: 4 | 6 | -1) => BoundHandle | number

/** Rejects with a StartError that names the address. */
export async function bindPort({ host, port }: { host: string; port: number }): Promise<BoundPort> {
  const create = (net as unknown as { _createServerHandle?: CreateHandle })._createServerHandle
  if (typeof create !== 'function') {
    throw new StartError('proxy.workers: this version of Node cannot share a port so; expected 1')
  }
  const [address, family] = host === '' ? [null, -1 as const] : await resolve(host, port)
  const handle = create(address, port, family)
  if (typeof handle === 'number') throw cannotListen(host, port, getSystemErrorName(handle))
  const name = {} as SocketName
  const failed = handle.getsockname(name)
  // That somebody else has the port is only said when it is listened on: until then there is no port at all.
  if (failed !== 0 || (port !== 0 && name.port !== port)) {
    handle.close()
    throw cannotListen(host, port, 'EADDRINUSE')
  }
  return { address: addressOf(name), port: name.port, handle, close: () => handle.close() }
}

async function resolve(host: string, port: number): Promise<[string, 4 | 6]> {
  const family = isIP(host)
  if (family !== 0) return [host, family as 4 | 6]
  try {
    const found = await lookup(host)
    return [found.address, found.family as 4 | 6]
  } catch (error) {
    throw cannotListen(host, port, messageOf(error), error)
  }
}

/** @param why a system's name for it, or words */
export function cannotListen(host: string, port: number, why: string, cause?: unknown): StartError {
  const found = why === 'EADDRINUSE' ? 'another process has it' : why
  return new StartError(`proxy.addr: cannot listen on ${host}:${port}: ${found}`, { cause })
}

export const addressOf = ({ address, family, port }: SocketName): string =>
  family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
