import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RaftIndex, type Result, Topics } from '../../src/registry/embedded/blocking.ts'
import { Catalog, CatalogError } from '../../src/registry/embedded/catalog.ts'
import { KeyValues } from '../../src/registry/embedded/kv.ts'
import type { HealthCheck, Node, NodeService } from '../../src/registry/embedded/objects.ts'

const node = (name: string, Address = '10.0.0.1'): Node => ({
  ID: '',
  Node: name,
  Address,
  Datacenter: 'dc1',
  TaggedAddresses: null,
  Meta: null,
})

const service = (ID: string, Service: string, more: Partial<NodeService> = {}): NodeService => ({
  Kind: '',
  ID,
  Service,
  Tags: [],
  Address: '',
  TaggedAddresses: null,
  Meta: null,
  Port: 80,
  Weights: { Passing: 1, Warning: 1 },
  EnableTagOverride: false,
  Proxy: null,
  Connect: null,
  ...more,
})

const check = (
  Node: string,
  CheckID: string,
  ServiceID: string,
  Status = 'passing',
  Output = '',
): HealthCheck => ({
  Node,
  CheckID,
  Name: CheckID,
  Status,
  Notes: '',
  Output,
  ServiceID,
  ServiceName: '',
  ServiceTags: [],
  Type: '',
})

/** Topics that remember what was touched. */
class SeenTopics extends Topics {
  readonly touched = new Set<string>()

  override touch(topic: string): void {
    this.touched.add(topic)
    super.touch(topic)
  }
}

interface Write {
  /** Lower-case names of the services that it may concern; null: any. */
  readonly concerns: readonly string[] | null
  apply(catalog: Catalog): void
}

const names = ['web', 'Api', 'db']
const nodes = ['n1', 'n2']
const statuses = ['passing', 'warning', 'critical']

const anyWrite: fc.Arbitrary<Write> = fc.oneof(
  fc
    .record({
      on: fc.constantFrom(...nodes),
      name: fc.constantFrom(...names),
      place: fc.nat({ max: 1 }),
      Port: fc.constantFrom(80, 81),
      Tags: fc.subarray(['a', 'b']),
      status: fc.constantFrom(...statuses, ''),
    })
    .map(({ on, name, place, Port, Tags, status }) => ({
      concerns: [name.toLowerCase()],
      apply(catalog: Catalog) {
        const id = `${name}-${place}`
        const checks = status === '' ? [] : [check(on, `${id}-check`, id, status)]
        // The node as it is: another address of it would concern every service on it.
        const isThere = catalog.nodes().value.some(({ Node }) => Node === on)
        const update = isThere ? null : node(on)
        catalog.register({ update, node: on, service: service(id, name, { Port, Tags }), checks })
      },
    })),
  fc.record({ on: fc.constantFrom(...nodes), Address: fc.constantFrom('10.0.0.1', '10.0.0.2') }).map(
    ({ on, Address }): Write => ({
      concerns: null,
      apply: (catalog) =>
        catalog.register({ update: node(on, Address), node: on, service: null, checks: [] }),
    }),
  ),
  fc
    .record({
      on: fc.constantFrom(...nodes),
      status: fc.constantFrom(...statuses),
      Output: fc.constantFrom('', 'x'),
    })
    .map(
      ({ on, status, Output }): Write => ({
        concerns: null,
        apply: (catalog) =>
          catalog.register({
            update: node(on),
            node: on,
            service: null,
            checks: [check(on, 'serfHealth', '', status, Output)],
          }),
      }),
    ),
  fc
    .record({ on: fc.constantFrom(...nodes), name: fc.constantFrom(...names), place: fc.nat({ max: 1 }) })
    .map(
      ({ on, name, place }): Write => ({
        concerns: [name.toLowerCase()],
        apply: (catalog) => catalog.deregister({ node: on, serviceId: `${name}-${place}`, checkId: '' }),
      }),
    ),
  fc
    .record({ on: fc.constantFrom(...nodes), name: fc.constantFrom(...names), place: fc.nat({ max: 1 }) })
    .map(
      ({ on, name, place }): Write => ({
        concerns: [name.toLowerCase()],
        apply: (catalog) =>
          catalog.deregister({ node: on, serviceId: '', checkId: `${name}-${place}-check` }),
      }),
    ),
  fc.constantFrom(...nodes).map(
    (on): Write => ({
      concerns: null,
      apply: (catalog) => catalog.deregister({ node: on, serviceId: '', checkId: '' }),
    }),
  ),
)

const reads: Record<string, (catalog: Catalog) => Result<unknown>> = {
  nodes: (catalog) => catalog.nodes(),
  services: (catalog) => catalog.services(),
  ...Object.fromEntries(
    names.flatMap((name): [string, (catalog: Catalog) => Result<unknown>][] => [
      [`service ${name}`, (catalog) => catalog.service(name, [])],
      [`health ${name}`, (catalog) => catalog.health(name, [])],
      [`checks ${name}`, (catalog) => catalog.checksOfService(name)],
    ]),
  ),
  ...Object.fromEntries(
    [...statuses, 'any'].map((status) => [
      `state ${status}`,
      (catalog: Catalog) => catalog.checksInState(status),
    ]),
  ),
  ...Object.fromEntries(
    nodes.map((name) => [`node ${name}`, (catalog: Catalog) => catalog.checksOfNode(name)]),
  ),
}

describe('the catalog, whatever is written to it', () => {
  const startCatalog = () => {
    const topics = new SeenTopics()
    return { topics, catalog: new Catalog(new RaftIndex(10), topics) }
  }

  test('a read that changes has a higher index, and who waits for it wakes', () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 25 }), (writes) => {
        const { topics, catalog } = startCatalog()
        for (const write of writes) {
          const before = Object.entries(reads).map(([name, run]) => ({ name, run, result: run(catalog) }))
          topics.touched.clear()
          write.apply(catalog)
          for (const { name, run, result } of before) {
            const after = run(catalog)
            if (JSON.stringify(after.value) === JSON.stringify(result.value)) continue
            expect(after.index, `index of ${name}`).toBeGreaterThan(result.index)
            expect
              .soft(
                result.topics.some((topic) => topics.touched.has(topic)),
                `topics of ${name}`,
              )
              .toBe(true)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('no index goes back', () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 25 }), (writes) => {
        const { catalog } = startCatalog()
        for (const write of writes) {
          const before = Object.entries(reads).map(([name, run]) => [name, run(catalog).index] as const)
          write.apply(catalog)
          for (const [name, index] of before) {
            expect(reads[name]!(catalog).index, name).toBeGreaterThanOrEqual(index)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a write to one service neither moves the index of another nor wakes who waits for it', () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 25 }), (writes) => {
        const { topics, catalog } = startCatalog()
        for (const { concerns, apply } of writes) {
          const others = names.filter((name) => concerns !== null && !concerns.includes(name.toLowerCase()))
          const before = others.map((name) => ({ name, result: catalog.health(name, []) }))
          topics.touched.clear()
          apply(catalog)
          for (const { name, result } of before) {
            if (result.value.length === 0) continue
            expect(catalog.health(name, []).index).toBe(result.index)
            expect(result.topics.filter((topic) => topics.touched.has(topic))).toEqual([])
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('the same write again changes nothing and wakes nobody', () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { minLength: 1, maxLength: 25 }), (writes) => {
        const { topics, catalog } = startCatalog()
        for (const write of writes) write.apply(catalog)
        const before = Object.values(reads).map((run) => run(catalog))
        topics.touched.clear()
        writes.at(-1)!.apply(catalog)
        expect(Object.values(reads).map((run) => run(catalog))).toEqual(before)
        expect([...topics.touched]).toEqual([])
      }),
    )
  })
})

describe('the catalog', () => {
  const startCatalog = () => new Catalog(new RaftIndex(10), new Topics())

  test('finds names in any case and keeps how they were written', () => {
    const catalog = startCatalog()
    catalog.register({ update: node('n1'), node: 'n1', service: service('w', 'Web'), checks: [] })
    expect(catalog.health('wEB', []).value.map(({ Service }) => Service.Service)).toEqual(['Web'])
    expect(catalog.services().value).toEqual({ Web: [] })
  })

  test('a service that takes another name leaves its old one', () => {
    const catalog = startCatalog()
    catalog.register({ update: node('n1'), node: 'n1', service: service('w', 'old'), checks: [] })
    catalog.register({ update: null, node: 'n1', service: service('w', 'new'), checks: [] })
    expect(catalog.services().value).toEqual({ new: [] })
    expect(catalog.health('old', [])).toMatchObject({ value: [], index: 11 })
  })

  test('an absent service has the index of the last that went, so that its own does not go back', () => {
    const catalog = startCatalog()
    catalog.register({ update: node('n1'), node: 'n1', service: service('w', 'web'), checks: [] })
    expect(catalog.health('absent', []).index).toBe(10)
    catalog.register({ update: null, node: 'n1', service: service('v', 'other'), checks: [] })
    catalog.deregister({ node: 'n1', serviceId: 'w', checkId: '' })
    catalog.register({ update: null, node: 'n1', service: service('x', 'third'), checks: [] })
    expect([catalog.health('web', []).index, catalog.health('absent', []).index]).toEqual([12, 12])
  })

  test('a check that moves to another service is with that one alone', () => {
    const catalog = startCatalog()
    const put = (id: string): void =>
      catalog.register({
        update: node('n1'),
        node: 'n1',
        service: service(id, id),
        checks: [check('n1', 'c', id)],
      })
    put('one')
    put('two')
    expect(catalog.checksOfService('one').value).toEqual([])
    expect(catalog.checksOfService('two').value.map(({ CheckID }) => CheckID)).toEqual(['c'])
  })

  test('a registration that is refused leaves nothing behind', () => {
    const catalog = startCatalog()
    const lost = {
      update: node('n1'),
      node: 'n1',
      service: service('w', 'web'),
      checks: [check('n1', 'c', 'none')],
    }
    expect(() => catalog.register(lost)).toThrow(CatalogError)
    expect([catalog.nodes().value, catalog.health('web', []).value]).toEqual([[], []])
  })
})

describe('keys and values, whatever is written', () => {
  const key = fc.constantFrom('a', 'a/b', 'a/bc', 'b/a', 'b')
  const write = fc.oneof(
    fc.tuple(key, fc.constantFrom('1', '2')).map(
      ([name, value]) =>
        (kv: KeyValues) =>
          void kv.put(name, Buffer.from(value), 0, null),
    ),
    key.map((name) => (kv: KeyValues) => void kv.delete(name, null)),
    fc.constantFrom('', 'a', 'a/', 'b/').map((prefix) => (kv: KeyValues) => kv.deleteTree(prefix)),
  )
  const reads: ((kv: KeyValues) => Result<unknown>)[] = [
    ...['a', 'a/b', 'b'].map((name) => (kv: KeyValues) => kv.get(name)),
    ...['', 'a', 'a/', 'b/', 'none'].map((prefix) => (kv: KeyValues) => kv.list(prefix)),
  ]

  test('a read that changes has a higher index and wakes who waits, and no prefix that stays goes back', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const topics = new SeenTopics()
        const kv = new KeyValues(new RaftIndex(10), topics)
        for (const apply of writes) {
          const before = reads.map((run) => ({ run, result: run(kv) }))
          topics.touched.clear()
          apply(kv)
          for (const { run, result } of before) {
            const after = run(kv)
            const woken = result.topics.some((topic) => topics.touched.has(topic))
            if (JSON.stringify(after.value) !== JSON.stringify(result.value)) {
              expect(after.index).toBeGreaterThan(result.index)
              expect(woken).toBe(true)
            } else if (!woken && Array.isArray(after.value) && after.value.length > 0) {
              expect(after.index).toBe(result.index)
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
