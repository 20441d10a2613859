/**
 * How far the page can be trusted.
 * `waiting`: nothing was read yet, the first connection is being made.
 * `live`: what is shown is the gateway's present table.
 * `stale`: the connection is gone since `since` (milliseconds since the epoch); a new one is being tried.
 * `refused`: so it is, because whoever looks has to log in, perhaps anew.
 */
export type Liveness =
  | { readonly state: 'waiting' }
  | { readonly state: 'live' }
  | { readonly state: 'stale'; readonly since: number }
  | { readonly state: 'refused'; readonly since: number }

/**
 * `table`: a table arrived. `lost`: the connection ended, or what came could not be read. `refused`: the gateway wants
 * a login. A connection that merely opened proves nothing: the page is live again with the table that comes over it.
 */
export function nextLiveness(now: Liveness, event: 'table' | 'lost' | 'refused', at: number): Liveness {
  if (event === 'table') return now.state === 'live' ? now : { state: 'live' }
  const since = now.state === 'stale' || now.state === 'refused' ? now.since : at
  const state = event === 'lost' ? (now.state === 'refused' ? 'refused' : 'stale') : 'refused'
  return now.state === state ? now : { state, since }
}
