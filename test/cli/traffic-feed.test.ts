import { describe, expect, test } from 'vitest'
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

describe('the figures of the traffic', () => {
  test('have what traffic has taught of each address, also of one that is in no route and counts nothing any more', () => {
    const snapshot = {
      ...emptySnapshot([5]),
      live: [
        live('http://10.0.0.1:80', { isDraining: true }),
        live('https://10.0.0.2', { inFlight: 0, failures: 5, ejectedUntil: 1000 }),
        live('http://[fd00::1]:8080', { rise: 0.5 }),
      ],
    }
    const { states, targets } = trafficFigures(snapshot)
    const state = { inFlight: 2, failures: 0, ejectedUntil: null, rise: 1, draining: false }
    expect(states).toEqual([
      { ...state, address: '10.0.0.1:80', draining: true },
      { ...state, address: '10.0.0.2:443', inFlight: 0, failures: 5, ejectedUntil: 1000 },
      { ...state, address: '[fd00::1]:8080', rise: 0.5 },
    ])
    expect(targets.labels).toEqual([])
  })
})
