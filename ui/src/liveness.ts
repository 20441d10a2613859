/**
 * How far the page can be trusted.
 * `waiting`: nothing was read yet, the first connection is being made.
 * `live`: what is shown is the gateway's present table.
 * `stale`: the connection is gone since `since` (milliseconds since the epoch); a new one is being tried.
 */
export type Liveness =
  | { readonly state: 'waiting' }
  | { readonly state: 'live' }
  | { readonly state: 'stale'; readonly since: number }

/**
 * `table`: a table arrived. `lost`: the connection ended, or what came could not be read. A connection that merely
 * opened proves nothing: the page is live again with the table that comes over it.
 */
export function nextLiveness(now: Liveness, event: 'table' | 'lost', at: number): Liveness {
  if (event === 'table') return now.state === 'live' ? now : { state: 'live' }
  return now.state === 'stale' ? now : { state: 'stale', since: at }
}
