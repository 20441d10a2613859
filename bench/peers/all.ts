import type { PeerName } from '../options.ts'
import { caddy } from './caddy.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { fastify, undici } from './node-baselines.ts'
import type { Peer } from './peer.ts'

/** Who can be measured beside gatehouse, by name. */
export const peers: Readonly<Record<PeerName, Peer>> = { fastify, undici, haproxy, nginx, caddy }
