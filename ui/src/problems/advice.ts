import type { ProblemView, UnroutedView } from '../../../src/admin/view.ts'

/** What somebody can do about it, in a sentence or two. */
export interface Advice {
  readonly text: string
  /** A command for a shell, where one helps. */
  readonly command?: string
  /** Where in this page it is mended. */
  readonly page?: 'manual'
}

/** Of an instance that asks for routes and gets no request. */
export function adviceOnInstance({ instance, health, reason }: UnroutedView): Advice {
  switch (health) {
    case 'critical':
      return {
        text: 'Look at what the check says: the instance gets requests again as soon as it passes. One that is gone for good is taken away by deregistering it.',
      }
    case 'maintenance': {
      const id = instance.slice(instance.indexOf('/') + 1)
      return {
        text: 'Somebody has put it into maintenance; this ends it.',
        command: reason.startsWith('the node')
          ? 'consul maint -disable'
          : `consul maint -disable -service=${id}`,
      }
    }
    case 'warning':
      return { text: 'It is served, too, once registry.consul.service.status has warning beside passing.' }
    case 'passing':
      return reason.includes('manual overrides')
        ? { text: 'A route del of the overrides takes it away.', page: 'manual' }
        : { text: 'Correct its tags where the service is registered; it is served at once.' }
  }
}

/**
 * Of a tag or a line.
 *
 * @param registry its kind: `consul` alone has overrides that can be written here
 */
export function adviceOnText({ instance, reason }: ProblemView, registry: string): Advice {
  if (instance === '' && registry !== 'consul') {
    return { text: 'Correct the line where it is written; everything else is in force.' }
  }
  if (instance === '') {
    return { text: 'Correct the line in the overrides; everything else in them is in force.', page: 'manual' }
  }
  if (/served by this version/.test(reason)) {
    return {
      text: 'This version cannot do it. What such a route gets meanwhile is in the documentation of routes.',
    }
  }
  return {
    text: /is served without it/.test(reason)
      ? 'Correct the option where the service is registered.'
      : 'Correct the tag where the service is registered; it is served at once.',
  }
}
