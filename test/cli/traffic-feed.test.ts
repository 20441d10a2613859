import { describe, expect, test } from 'vitest'
import type { TableView } from '../../src/admin/view.ts'
import { trafficFigures } from '../../src/cli/traffic-feed.ts'
import { emptySnapshot, type LiveUpstream } from '../../src/observe/snapshot.ts'

const live = (origin: string, more: Partial<LiveUpstream>): LiveUpstream => ({
  origin,
  inFlight: 2,
  ejectedIn: 0,
  ejectedUntil: null,
  failures: 0,
  rise: 1,
  isDraining: false,
  ...more,
})

const target = (service: string, address: string, routed: boolean) => ({ service, address, routed })
const table = () =>
  ({
    routes: [
      { targets: [target('shop', '10.0.0.1:80', false), target('shop', '10.0.0.2:80', true)] },
      { targets: [target('shop', '10.0.0.1:80', false), target('cart', '10.0.0.1:80', false)] },
    ],
  }) as unknown as TableView

describe('the figures of instances', () => {
  test('have those that get nothing any more and are not done, once for each service that they are of', () => {
    const snapshot = {
      ...emptySnapshot([5]),
      live: [
        live('http://10.0.0.1:80', { isDraining: true }),
        live('http://10.0.0.3:80', { isDraining: true }),
      ],
    }
    const { instances } = trafficFigures(snapshot, table)
    expect(
      instances!.map(({ service, address, inFlight, draining }) => [service, address, inFlight, draining]),
    ).toEqual([
      ['shop', '10.0.0.1:80', 2, true],
      ['cart', '10.0.0.1:80', 2, true],
    ])
  })

  test('do not look at the table where nobody drains', () => {
    const snapshot = { ...emptySnapshot([5]), live: [live('http://10.0.0.1:80', {})] }
    const unasked = (): TableView => {
      throw new Error('the table was asked')
    }
    expect(trafficFigures(snapshot, unasked).instances).toEqual([])
  })
})
