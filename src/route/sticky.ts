import type { Affinity, AffinityRequest } from '../balance/affinity.ts'
import { CookieAffinity } from '../balance/cookie.ts'
import { hashOf } from '../balance/hash.ts'
import type { Members } from '../balance/member.ts'
import { Rendezvous } from '../balance/rendezvous.ts'
import type { Sticky } from './options.ts'

/** What says the same of a target in every table and every gateway. */
export interface NamedTarget {
  readonly service: string
  readonly instance: string
  readonly url: string
}

/** How `sticky=` keeps requests together. @param routeKey tells the route from others of the same host */
export function affinityOf(
  sticky: Sticky,
  routeKey: string,
  targets: readonly NamedTarget[],
): (members: Members) => Affinity {
  const names = targets.map(({ service, instance, url }) => `${service}\n${instance}\n${url}`)
  if (sticky.by === 'cookie') {
    const name = sticky.name || cookieName(routeKey)
    return (members) => new CookieAffinity(name, members, names)
  }
  const keyOf =
    sticky.by === 'address'
      ? ({ clientAddress }: AffinityRequest) => clientAddress
      : ({ fields }: AffinityRequest) => fields.first(sticky.name)
  return (members) => new Rendezvous(members, names, keyOf)
}

/** A name of the route's own: cookies go to all paths of a host, and another route's must not be taken for it. */
const cookieName = (routeKey: string): string => `gatehouse-${hashOf(routeKey).toString(16).padStart(8, '0')}`
