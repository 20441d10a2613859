/**
 * How the path of a route is compared with that of a request:
 *
 * - `segment`: the request's path is the route's, or goes on below it: `/foo` matches `/foo/bar` and not `/footest`
 * - `prefix`: it starts with the route's, with no regard to `/` (fabio reference 3.3)
 * - `iprefix`: the same with both in lower case
 * - `glob`: the whole of it matches the pattern (fabio reference 3.4)
 *
 * In this order they are preferred where equally long paths match.
 */
export const matchers = ['segment', 'prefix', 'iprefix', 'glob'] as const
export type Matcher = (typeof matchers)[number]
