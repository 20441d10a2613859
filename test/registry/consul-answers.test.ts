import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diagnoseEntries } from '../../src/cli/diagnosis.ts'
import type { HealthEntry } from '../../src/registry/consul/health.ts'
import { KvTree } from '../../src/registry/consul/kv-tree.ts'
import { ServiceReads } from '../../src/registry/consul/service-reads.ts'
import { ServiceStates } from '../../src/registry/consul/service-states.ts'
import { unwellList } from '../../src/registry/consul/unwell-list.ts'
import type { ServiceInstances } from '../../src/registry/registry.ts'
import { definitionsOf } from '../../src/route/tag.ts'
import { FakeClock, fakeWorld } from '../support/fake-clock.ts'

const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, 7, '', 'x', [], {}, [null], true))
/** An object of which some fields are as Consul has them and others are anything, or are not there. */
const spoiled = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  fc.oneof(
    {
      arbitrary: fc.record(
        Object.fromEntries(
          Object.entries(fields).map(([name, good]) => [
            name,
            fc.oneof({ arbitrary: good, weight: 4 }, junk),
          ]),
        ),
        { requiredKeys: [] },
      ),
      weight: 6,
    },
    junk,
  )

const check = spoiled({
  Node: fc.constant('n1'),
  CheckID: fc.constantFrom('service:a', 'serfHealth', '_node_maintenance', '_service_maintenance:a'),
  Status: fc.constantFrom('passing', 'warning', 'critical'),
  Output: fc.constant('words'),
  ServiceID: fc.constantFrom('a', ''),
  ServiceName: fc.constantFrom('svc', ''),
  ModifyIndex: fc.nat(),
})
const entry = spoiled({
  Node: spoiled({ Node: fc.constant('n1'), Address: fc.constant('10.0.0.1') }),
  Service: spoiled({
    ID: fc.constant('a'),
    Service: fc.constant('svc'),
    Address: fc.constantFrom('', '10.0.0.2'),
    Port: fc.constant(80),
    Tags: fc.constant(['urlprefix-/']),
    Kind: fc.constantFrom('', 'connect-proxy'),
  }),
  Checks: fc.array(check, { maxLength: 3 }),
})
const entries = fc.oneof({ arbitrary: fc.array(entry, { maxLength: 3 }), weight: 5 }, junk)

const goodEntry: HealthEntry = {
  Node: { Node: 'n1', Address: '10.0.0.1' },
  Service: { ID: 'good', Service: 'good', Port: 80, Tags: ['urlprefix-/good'] },
  Checks: [{ CheckID: 'service:good', Status: 'passing', ServiceID: 'good' }],
}

describe('whatever Consul answers', () => {
  test('of the instances of a service: it is refused as a whole, or makes instances that are well formed', () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 4 }), (answers) => {
        const told: ServiceInstances[] = []
        const states = new ServiceStates({
          health: { statuses: ['passing'], checksRequired: 'one' },
          kinds: [],
          world: fakeWorld(new FakeClock()),
          told: (changes) => told.push(...changes),
          confirm() {},
        })
        states.read('good', [goodEntry])
        for (const body of answers) {
          try {
            states.read('svc', body)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
        states.flush()
        for (const { instances } of told) {
          for (const { service, id, node, address, port, tags, state } of instances) {
            for (const text of [service, id, node, address, state.reason, ...tags])
              expect(typeof text).toBe('string')
            expect([typeof port, typeof state.routed]).toEqual(['number', 'boolean'])
            const instance = { service, instance: `${node}/${id}`, address, port, tags, healthy: true }
            definitionsOf(instance, { prefix: 'urlprefix-', variables: {} })
          }
        }
        // Nothing of it touches the other one.
        expect(told.filter(({ service }) => service === 'good')).toHaveLength(1)
        expect(states.read('good', [goodEntry])).toBe(false)
        states.close()
      }),
      { numRuns: 1000 },
    )
  })

  test('of unwell checks: it is refused, or has whole checks only', () => {
    fc.assert(
      fc.property(fc.oneof(fc.array(check), junk), (body) => {
        let list: ReturnType<typeof unwellList> | null = null
        try {
          list = unwellList({ index: 1n, body, lastContactMs: 0, knownLeader: true })
        } catch (error) {
          expect([Array.isArray(body), (error as Error).message]).toEqual([
            false,
            expect.stringContaining('expected a list'),
          ])
        }
        for (const { Node, CheckID, ServiceID, ServiceName, ModifyIndex } of list?.checks.values() ?? []) {
          for (const text of [Node, CheckID, ServiceID, ServiceName]) expect(typeof text).toBe('string')
          expect(BigInt(ModifyIndex)).toBeGreaterThanOrEqual(0n)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('that is taken for instances can be held against the lists of unwell checks', () => {
    fc.assert(
      fc.property(entries, fc.array(check), (body, checks) => {
        const answer = { index: 5n, lastContactMs: 0, knownLeader: true }
        const states = new ServiceStates({
          health: { statuses: ['passing'], checksRequired: 'all' },
          kinds: ['connect-proxy'],
          world: fakeWorld(new FakeClock()),
          told() {},
          confirm() {},
        })
        try {
          states.read('svc', body)
        } catch {
          return
        }
        const list = unwellList({ ...answer, body: checks })
        const reads = new ServiceReads()
        reads.take('svc', { ...answer, body }, () => list)
        for (const state of ['critical', 'warning', 'passing'])
          [...reads.withoutCheckIn(state, list)].toString()
        states.close()
      }),
      { numRuns: 1000 },
    )
  })

  test('of a tree of keys: it is refused, or makes documents of text', () => {
    const key = spoiled({
      Key: fc.constantFrom('fabio/config', 'fabio/config/a', 'fabio/config-old'),
      Value: fc.oneof(
        fc.string(),
        fc.string().map((text) => Buffer.from(text).toString('base64')),
      ),
      ModifyIndex: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.array(key, { maxLength: 3 }), junk), { maxLength: 4 }), (answers) => {
        const told: unknown[] = []
        const stop = new AbortController()
        const tree = new KvTree({
          path: '/fabio/config',
          tell: (documents) => told.push(...documents.flatMap(({ name, text }) => [name, text])),
          readAgain: async () => [],
          isDistrustful: () => true,
          world: fakeWorld(new FakeClock()),
          log: { debug() {}, info() {}, warn() {}, error() {} },
          signal: stop.signal,
        })
        for (const body of answers) {
          try {
            tree.answered(body)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
        for (const text of told) expect(typeof text).toBe('string')
      }),
      { numRuns: 1000 },
    )
  })

  test('the doctor says something of each instance, or that Consul cannot be understood', () => {
    const rules = {
      health: { statuses: ['passing'], checksRequired: 'one' },
      kinds: [],
      tagPrefix: 'urlprefix-',
      datacenter: 'dc1',
    } as const
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3 }), (body) => {
        try {
          const findings = diagnoseEntries('svc', body as HealthEntry[], rules)
          expect(findings.length).toBeGreaterThanOrEqual(body.length)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })
})
