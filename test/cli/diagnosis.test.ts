import { describe, expect, test } from 'vitest'
import type { ProblemsView, ServiceView } from '../../src/admin/view.ts'
import { diagnoseEntries, diagnoseViews, isNearly, notRegistered } from '../../src/cli/diagnosis.ts'
import type { HealthCheck, HealthEntry } from '../../src/registry/consul/health.ts'

const rules = {
  health: { statuses: ['passing'], checksRequired: 'one' },
  kinds: [],
  tagPrefix: 'urlprefix-',
  datacenter: 'dc1',
} as const

const passing: HealthCheck = { CheckID: 'c', Name: 'up', Status: 'passing', ServiceID: 'web-1' }
const critical: HealthCheck = { ...passing, Status: 'critical', Output: 'connection refused' }

function entry(tags: string[], checks: HealthCheck[] = [passing], more: object = {}): HealthEntry {
  return {
    Node: { Node: 'n', Address: '10.0.0.1' },
    Service: { ID: 'web-1', Service: 'web', Port: 80, Tags: tags, ...more },
    Checks: checks,
  }
}

const maintenance = { CheckID: '_service_maintenance:web-1', Status: 'critical', Notes: 'upgrade' }

describe('what Consul says of an instance', () => {
  test.each([
    [entry([]), 'not-tagged', 'expected a tag that begins with "urlprefix-", it has none'],
    [entry(['a', 'b']), 'not-tagged', 'it has "a", "b"'],
    [entry(['Urlprefix-/x']), 'prefix', 'tag "Urlprefix-/x" is no route'],
    [entry(['urlprefix/x']), 'prefix', 'tag "urlprefix/x" is no route'],
    [entry(['urlpefix-/x']), 'prefix', 'tag "urlpefix-/x" is no route'],
    [entry(['urlprefix-/x'], [passing], { Kind: 'connect-proxy' }), 'sidecar', 'it is a connect-proxy'],
    [entry(['urlprefix-/x'], []), 'no-check', 'it has no health check of its own'],
    [entry(['urlprefix-/x'], [critical]), 'critical', 'check "up" is critical: connection refused'],
    [entry(['urlprefix-/x'], [passing, maintenance]), 'maintenance', 'in maintenance: upgrade'],
    [entry(['urlprefix-[x/']), 'rejected', 'tag "urlprefix-[x/": expected a host pattern'],
    [entry(['urlprefix-/x'], [passing], { Port: 0 }), 'rejected', 'expected the service to have an address'],
    [entry(['urlprefix-$DC.x/']), 'routed', 'route add web dc1.x/ http://10.0.0.1:80/'],
  ])('%j is %s', (health, code, words) => {
    const findings = diagnoseEntries('web', [health], rules)
    expect(findings).toEqual([
      { service: 'web', instance: 'n/web-1', code, words: expect.stringContaining(words) },
    ])
  })

  test('is everything that is wrong with it, and each instance for itself', () => {
    const both = [entry(['urlprefix-[x/', 'urlprefix-/x'], [critical]), entry(['urlprefix-/x'])]
    expect(diagnoseEntries('web', both, rules).map(({ code }) => code)).toEqual([
      'rejected',
      'critical',
      'routed',
    ])
  })
})

test.each([
  ['urlprefix-/x', false],
  [' urlprefix-/x', false],
  ['URLPREFIX-/x', true],
  ['urlprefix_/x', true],
  ['version-2', false],
  ['http', false],
])('whether %j was meant to begin with the prefix: %j', (tag, answer) => {
  expect(isNearly(tag, 'urlprefix-')).toBe(answer)
})

test('a name that is not registered is told with the one that was probably meant', () => {
  expect(notRegistered('paymnt', ['payment', 'consul']).words).toContain('did you mean payment?')
  expect(notRegistered('x', ['payment']).words).toBe('no instance of it is registered in Consul')
})

describe('what a gateway says', () => {
  const service: ServiceView = {
    service: 'web',
    instances: [
      { instance: 'n/1', address: '', tags: ['t'], routed: true, health: 'passing', reason: '' },
      { instance: 'n/2', address: '', tags: ['t'], routed: false, health: 'maintenance', reason: 'upgrade' },
      { instance: 'n/3', address: '', tags: ['t'], routed: false, health: 'critical', reason: 'down' },
      { instance: 'n/4', address: '', tags: ['t'], routed: true, health: 'passing', reason: '' },
    ],
    routes: [
      {
        source: '/x',
        instance: 'n/1',
        url: 'http://h/',
        weight: 0,
        options: '',
        routed: true,
        reason: '',
      },
    ],
    problems: [],
  }
  const unrouted = (instance: string, health: 'maintenance' | 'critical' | 'passing', reason: string) => ({
    service: 'web',
    instance,
    tags: ['t'],
    health,
    reason,
  })
  const problems: ProblemsView = {
    rejected: [
      { service: 'web', instance: 'n/1', text: 'bad', reason: 'no host' },
      { service: 'other', instance: 'n/9', text: 'bad', reason: 'no host' },
    ],
    unrouted: [
      unrouted('n/2', 'maintenance', 'upgrade'),
      unrouted('n/3', 'critical', 'down'),
      unrouted('n/4', 'passing', 'manual overrides take its routes away'),
    ],
  }

  test('becomes a finding for each instance and each mistake of the services that are asked about', () => {
    expect(diagnoseViews([service], problems).map(({ instance, code }) => [instance, code])).toEqual([
      ['n/2', 'maintenance'],
      ['n/3', 'critical'],
      ['n/4', 'override'],
      ['n/1', 'rejected'],
      ['n/1', 'routed'],
    ])
  })
})
