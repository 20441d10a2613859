import { describe, expect, test } from 'vitest'
import {
  type HealthCheck,
  type HealthRules,
  instanceOf,
  isRoutable,
  stateOf,
} from '../../src/registry/consul/health.ts'

const lenient: HealthRules = { statuses: ['passing'], checksRequired: 'one' }
const strict: HealthRules = { statuses: ['passing'], checksRequired: 'all' }

const check = (id: string, status: string, output = ''): HealthCheck => ({
  CheckID: `service:${id}`,
  Name: `${id} alive`,
  Status: status,
  Output: output,
  ServiceID: id,
})
const serf = (status: string): HealthCheck => ({ CheckID: 'serfHealth', Status: status, ServiceID: '' })
// As Consul has them: the reason is in Notes and the output is empty. It was looked for in the output, in vain.
const nodeMaintenance: HealthCheck = {
  CheckID: '_node_maintenance',
  Status: 'critical',
  Notes: 'disk',
  ServiceID: '',
}
const maintenance = (id: string): HealthCheck => ({
  CheckID: `_service_maintenance:${id}`,
  Status: 'critical',
  Notes: 'upgrade',
  ServiceID: id,
})
const nodeCheck = (status: string): HealthCheck => ({ CheckID: 'disk', Status: status, ServiceID: '' })

describe('whether an instance gets requests', () => {
  // fabio reference 17.3, then what it says in words.
  const cases: [sentence: string, checks: HealthCheck[], rules: HealthRules, routed: boolean][] = [
    ['no check: no', [], lenient, false],
    ['a passing check: yes', [check('web-1', 'passing')], lenient, true],
    ['a live node and a passing check: yes', [serf('passing'), check('web-1', 'passing')], lenient, true],
    ['a dead node takes its services with it', [serf('critical'), check('web-1', 'passing')], lenient, false],
    ['a live node alone is no check of the service', [serf('passing')], lenient, false],
    ['a node in maintenance: no', [nodeMaintenance, check('web-1', 'passing')], lenient, false],
    ['an instance in maintenance: no', [maintenance('web-1'), check('web-1', 'passing')], lenient, false],
    ['maintenance of another: yes', [maintenance('web-2'), check('web-1', 'passing')], lenient, true],
    ['a warning: no', [check('web-1', 'warning')], lenient, false],
    [
      'a warning that counts as healthy: yes',
      [check('web-1', 'warning')],
      { ...lenient, statuses: ['passing', 'warning'] },
      true,
    ],
    [
      'one of two checks healthy, one required: yes',
      [check('web-1', 'passing'), check('web-1', 'critical')],
      lenient,
      true,
    ],
    [
      'one of two checks healthy, all required: no',
      [check('web-1', 'passing'), check('web-1', 'warning')],
      strict,
      false,
    ],
    [
      'passing and warning, all required, both healthy: yes',
      [check('web-1', 'passing'), check('web-1', 'warning')],
      { statuses: ['passing', 'warning'], checksRequired: 'all' },
      true,
    ],
    [
      'another check of the node has no say',
      [nodeCheck('critical'), check('web-1', 'passing')],
      strict,
      true,
    ],
    [
      'critical listed as healthy does not override maintenance',
      [maintenance('web-1'), check('web-1', 'passing')],
      { ...lenient, statuses: ['critical'] },
      false,
    ],
  ]
  test.each(cases)('%s', (_sentence, checks, rules, routed) => {
    expect(stateOf('web-1', checks, rules).routed).toBe(routed)
  })
})

describe('the evidence', () => {
  test.each([
    [[check('web-1', 'passing')], 'passing', ''],
    [
      [check('web-1', 'critical', 'HTTP GET: 500\n')],
      'critical',
      'check "web-1 alive" is critical: HTTP GET: 500',
    ],
    [[check('web-1', 'warning')], 'warning', 'check "web-1 alive" is warning'],
    [[check('web-1', 'warning'), check('web-1', 'critical')], 'critical', 'check "web-1 alive" is critical'],
    [[maintenance('web-1')], 'maintenance', 'the instance is in maintenance: upgrade'],
    [[nodeMaintenance], 'maintenance', 'the node is in maintenance: disk'],
    [[serf('critical')], 'critical', 'the node is down'],
    [[], 'critical', 'it has no health check of its own, and needs one to be routed'],
  ])('of %j is %s: %s', (checks, health, reason) => {
    expect(stateOf('web-1', checks, lenient)).toMatchObject({ health, reason })
  })

  test('a routed instance with a failing check says which', () => {
    const state = stateOf('web-1', [check('web-1', 'passing'), check('web-1', 'critical', 'boom')], lenient)
    expect(state).toEqual({
      routed: true,
      health: 'warning',
      reason: 'check "web-1 alive" is critical: boom',
    })
  })

  test('a page of output is cut', () => {
    expect(
      stateOf('web-1', [check('web-1', 'critical', 'x'.repeat(5_000))], lenient).reason.length,
    ).toBeLessThan(600)
  })
})

describe('an entry of Consul', () => {
  const entry = {
    Node: { Node: 'n1', Address: '10.0.0.9' },
    Service: { ID: 'web-1', Service: 'web', Address: '', Port: 80, Tags: null },
    Checks: null,
  }

  test('without an address of the service takes the node’s', () => {
    expect(instanceOf(entry, lenient)).toMatchObject({
      address: '10.0.0.9',
      port: 80,
      tags: [],
      id: 'web-1',
      node: 'n1',
    })
  })

  test('with an address of the service takes that', () => {
    const own = { ...entry, Service: { ...entry.Service, Address: '10.1.1.1' } }
    expect(instanceOf(own, lenient).address).toBe('10.1.1.1')
  })

  test.each([
    [undefined, true],
    ['', true],
    ['connect-proxy', false],
    ['mesh-gateway', false],
  ])('of the kind %j is routable: %s', (kind, expected) => {
    const service = kind === undefined ? entry.Service : { ...entry.Service, Kind: kind }
    expect(isRoutable({ ...entry, Service: service }, [])).toBe(expected)
  })

  test('of a kind that registry.consul.kinds lists is routable', () => {
    const gateway = { ...entry, Service: { ...entry.Service, Kind: 'ingress-gateway' } }
    expect(isRoutable(gateway, ['ingress-gateway'])).toBe(true)
  })
})
