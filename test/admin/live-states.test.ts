import { describe, expect, test } from 'vitest'
import { LiveStates } from '../../src/admin/live-states.ts'
import type { TableView, TargetView } from '../../src/admin/view.ts'
import type { LiveUpstream } from '../../src/observe/snapshot.ts'
import { addUpstreams } from '../../src/upstream/live-upstream.ts'

const upstream = (origin: string, more: Partial<LiveUpstream> = {}): LiveUpstream => ({
  origin,
  inFlight: 0,
  ejectedIn: 0,
  ejectedUntil: null,
  failures: 0,
  rise: 1,
  isDraining: false,
  ...more,
})

const target = (url: string): TargetView => ({
  service: 'web',
  instance: 'n/web',
  address: new URL(url).host,
  url,
  share: 0.5,
  weight: 0,
  tags: [],
  options: '',
  routed: true,
  health: 'passing',
  reason: '',
  origin: 'tag',
})

const table = (...urls: string[]): TableView => ({
  version: 1,
  changedAt: null,
  routes: [
    { host: '', path: '/', targets: urls.map(target) },
    { host: '', path: '/other', targets: [target('http://10.0.0.9:80/')] },
  ],
  problems: [],
  registry: { kind: 'consul', address: '', connected: true, lastContactAt: null, oldSince: null, error: '' },
})

describe('live states', () => {
  test('stand beside what the table says of a target, those that say something and no other', async () => {
    const states = new LiveStates(async () => ({
      processes: 2,
      upstreams: [
        upstream('http://10.0.0.1:80', { inFlight: 3, failures: 5, ejectedIn: 1, ejectedUntil: 9_000 }),
        upstream('https://10.0.0.2:443', { rise: 0.3 }),
      ],
    }))
    await states.refresh()
    const before = table('http://10.0.0.1:80/', 'https://10.0.0.2:443/x', 'http://10.0.0.3:80/')
    const after = states.table(before)
    const [first, second, third] = after.routes[0]!.targets
    expect(first).toEqual({
      ...before.routes[0]!.targets[0],
      ...{ inFlight: 3, failures: 5, ejectedUntil: '1970-01-01T00:00:09.000Z', ejectedIn: 1, processes: 2 },
    })
    expect(second).toEqual({ ...before.routes[0]!.targets[1], rise: 0.3 })
    expect(third).toBe(before.routes[0]!.targets[2])
    expect(after.routes[1]).toBe(before.routes[1])
  })

  test('stay what they were where nobody answers', async () => {
    let fails = false
    const states = new LiveStates(async () => {
      if (fails) throw new Error('gone')
      return { processes: 1, upstreams: [upstream('http://10.0.0.1:80', { inFlight: 1 })] }
    })
    await states.refresh()
    fails = true
    await states.refresh()
    expect(states.table(table('http://10.0.0.1:80/')).routes[0]!.targets[0]!.inFlight).toBe(1)
  })

  test('of several processes are one for each instance', () => {
    const origin = 'http://10.0.0.1:80'
    expect(
      addUpstreams([
        upstream(origin, { inFlight: 2, failures: 1, rise: 0.4, isDraining: true }),
        upstream('http://10.0.0.2:80'),
        upstream(origin, { inFlight: 1, failures: 5, ejectedIn: 1, ejectedUntil: 7 }),
        upstream(origin, { ejectedIn: 1, ejectedUntil: 5 }),
      ]),
    ).toEqual([
      upstream(origin, { inFlight: 3, failures: 5, rise: 0.4, ejectedIn: 2, ejectedUntil: 7 }),
      upstream('http://10.0.0.2:80'),
    ])
  })
})
