import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { boundsOf } from '../../src/observe/metrics.ts'
import type { Format } from '../../src/observe/push/formats.ts'
import type { Pushed } from '../../src/observe/push/interval.ts'
import type { Transport } from '../../src/observe/push/transports.ts'
import { waitFor } from '../support/wait.ts'

const bounds = boundsOf([0.005, 0.1, 1])
/** What may stand in a name of Consul, a path of a tag or a header, and more than that. */
const label = fc.string({ unit: fc.constantFrom('a', '.', '/', '"', '|', ':', ' ', '\n', '`', '{', 'ä') })

const pushed: fc.Arbitrary<Pushed> = fc
  .record({
    name: fc.constantFrom('requests', 'http.status', 'route', 'notfound'),
    labels: fc.record({ service: label, host: label, path: label, target: label }),
    kind: fc.constantFrom('counter', 'gauge', 'timer'),
    value: fc.nat(),
    counts: fc.array(fc.nat(300), { minLength: bounds.length + 1, maxLength: bounds.length + 1 }),
    sum: fc.double({ min: 0, max: 1e9, noNaN: true }),
  })
  .map(({ kind, name, labels, value, counts, sum }) =>
    kind === 'timer' ? { kind, name, labels, counts, sum } : { kind, name, labels, value },
  )

/** What is asked of each form that metrics are sent in. @param begin of every name */
export function pushFormatContract(name: string, format: Format, begin: string): void {
  describe(`${name} as a form of metrics`, () => {
    test('of nothing is nothing', () => {
      expect(format([], bounds, 1_772_600_767)).toEqual([])
    })

    test('is whole lines, whatever the labels are, and names what it is about', () => {
      fc.assert(
        fc.property(pushed, (each) => {
          const lines = format([each], bounds, 1_772_600_767)
          for (const line of lines) {
            expect(line).not.toMatch(/[\r\n]/)
            expect(line).toContain(begin)
            expect(line).not.toMatch(/NaN|Infinity|undefined/)
          }
          const isEmpty = each.kind === 'timer' && each.counts.every((count) => count === 0)
          if (!isEmpty) expect(lines.length).toBeGreaterThan(0)
        }),
      )
    })
  })
}

/** Somebody who takes what a transport sends. */
export interface Taker {
  readonly transport: Transport
  /** What came, each line as it was sent. */
  received(): readonly string[]
  /** From here on nobody is there. */
  leave(): Promise<void>
}

/** What is asked of each way that metrics go. @param hearsOfLoss whether it can know that nobody took them */
export function pushTransportContract(name: string, start: () => Promise<Taker>, hearsOfLoss: boolean): void {
  const started = async (): Promise<Taker> => {
    const taker = await start()
    onTestFinished(async () => {
      taker.transport.close()
      await taker.leave()
    })
    return taker
  }
  const lines = Array.from({ length: 200 }, (_, n) => `{"line":${n},"of":"an interval that is long"}`)

  describe(`${name} as a way for metrics`, () => {
    test('brings every line, in their order, in one interval after the other', async () => {
      const { transport, received } = await started()
      await transport.send(lines)
      await transport.send(['{"line":200}'])
      await waitFor(() => received().length === 201, { what: 'all lines' })
      expect(received()).toEqual([...lines, '{"line":200}'])
    })

    test('ends also where there is nothing to say, and is closed twice without harm', async () => {
      const { transport, received } = await started()
      await transport.send([])
      transport.close()
      transport.close()
      expect(received()).toEqual([])
    })

    test(`${hearsOfLoss ? 'says' : 'cannot say'} that nobody is there`, async () => {
      const { transport, leave } = await started()
      await leave()
      const sent = transport.send(['{"line":0}'])
      if (hearsOfLoss) await expect(sent).rejects.toThrow(/ECONNREFUSED/)
      else await sent
    })
  })
}
