import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckScan, ObjectSplitter, type ScannedCheck } from '../../src/registry/consul/check-scan.ts'

const check = (service: string, id: string, more: Partial<ScannedCheck> = {}): ScannedCheck => ({
  Node: 'n1',
  CheckID: `service:${id}`,
  Status: 'passing',
  ServiceID: id,
  ServiceName: service,
  ServiceTags: ['v1'],
  ...more,
})

function look(scan: CheckScan, checks: readonly ScannedCheck[]): string[] | null {
  scan.take(JSON.stringify(checks))
  return scan.end()
}

describe('the check scan', () => {
  test('has nothing to compare the first time', () => {
    expect(look(new CheckScan(), [check('a', 'a1')])).toBeNull()
  })

  test.each([
    ['gained an instance', [check('a', 'a1'), check('b', 'b1'), check('b', 'b2')], ['b']],
    ['lost its instance', [check('a', 'a1')], ['b']],
    ['changed its status', [check('a', 'a1'), check('b', 'b1', { Status: 'critical' })], ['b']],
    ['changed its tags', [check('a', 'a1'), check('b', 'b1', { ServiceTags: ['v2'] })], ['b']],
    ['moved to another node', [check('a', 'a1'), check('b', 'b1', { Node: 'n2' })], ['b']],
    ['did not change', [check('b', 'b1'), check('a', 'a1')], []],
  ])('names the service that %s', (_what, next, changed) => {
    const scan = new CheckScan()
    look(scan, [check('a', 'a1'), check('b', 'b1')])
    expect(look(scan, next)).toEqual(changed)
  })

  const some = fc.record({
    Node: fc.constantFrom('n1', 'n2'),
    CheckID: fc.constantFrom('a', 'b'),
    Status: fc.constantFrom('passing', 'critical'),
    ServiceID: fc.constantFrom('x', 'y', 'x\n'),
    ServiceName: fc.constantFrom('s', 't'),
    ServiceTags: fc.subarray(['u', 'v', 'u,v']),
  })

  test('names just those services whose checks are others, in whatever order they come', () => {
    const textsOf = (checks: readonly ScannedCheck[], name: string): string =>
      checks
        .filter(({ ServiceName }) => ServiceName === name)
        .map((one) => JSON.stringify(one))
        .sort()
        .join()
    fc.assert(
      fc.property(fc.array(some), fc.array(some), (before, after) => {
        const scan = new CheckScan()
        look(scan, before)
        const changed = ['s', 't'].filter((name) => textsOf(before, name) !== textsOf(after, name))
        expect(look(scan, after)!.sort()).toEqual(changed)
        expect(look(scan, [...after].reverse())).toEqual([])
      }),
    )
  })

  test('an answer that breaks off is refused, and the next is compared with the last whole one', () => {
    const scan = new CheckScan()
    look(scan, [check('a', 'a1')])
    scan.take('[{"Node":"n1","CheckID":"x","Status":"passing","ServiceID":"x","ServiceName":"x"}')
    expect(() => scan.end()).toThrow('got a part of one')
    scan.reset()
    expect(look(scan, [check('a', 'a1')])).toEqual([])
  })
})

describe('whatever the answer says', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(null, 'x', 7, [], {}))
  const names = ['Node', 'CheckID', 'Status', 'ServiceID', 'ServiceName', 'ServiceTags']
  const odd = fc.array(fc.dictionary(fc.constantFrom(...names, '__proto__'), value))
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'{}[]",\\:1n ') }),
    fc.json(),
    odd.map((list) => JSON.stringify(list)),
  )

  test('a scan names services or fails, and the next good look is compared with the last good one', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (answers) => {
        const scan = new CheckScan()
        look(scan, [check('a', 'a1')])
        let isCompared = true
        for (const answer of answers) {
          try {
            scan.take(answer)
            scan.end()
            isCompared = false
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
            scan.reset()
          }
        }
        const found = look(scan, [check('a', 'a1')])
        if (isCompared) expect(found).toEqual([])
        else expect(look(scan, [check('a', 'a1')])).toEqual([])
      }),
    )
  })
})

describe('cutting a list into its objects', () => {
  const awkward = fc.string({ unit: fc.constantFrom(...'{}[]",\\ aé\n') })
  const object = fc.record({ a: awkward, b: fc.array(fc.record({ c: awkward })), '{"': awkward })

  test('gives each object whole, wherever the pieces end', () => {
    fc.assert(
      fc.property(
        fc.array(object),
        fc.array(fc.nat(20), { minLength: 1 }),
        fc.boolean(),
        (list, cuts, isPretty) => {
          const text = JSON.stringify(list, null, isPretty ? 2 : 0)
          const splitter = new ObjectSplitter()
          const found: unknown[] = []
          for (let at = 0, i = 0; at < text.length; i++) {
            const end = at + 1 + cuts[i % cuts.length]!
            for (const one of splitter.take(text.slice(at, end))) found.push(JSON.parse(one))
            at = end
          }
          expect(found).toEqual(list)
          expect(splitter.isComplete).toBe(true)
        },
      ),
    )
  })

  test('is not complete before the list is closed', () => {
    const splitter = new ObjectSplitter()
    splitter.take('[{"a":1}')
    expect(splitter.isComplete).toBe(false)
  })
})
