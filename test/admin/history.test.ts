import { describe, expect, test } from 'vitest'
import { History, instanceChanges, overrideChanges } from '../../src/admin/history.ts'
import type { InstanceView } from '../../src/admin/view.ts'

const web: InstanceView = {
  instance: 'n/web-1',
  address: '10.0.0.1:80',
  tags: ['urlprefix-/x', 'v1'],
  routed: true,
  health: 'passing',
  reason: '',
}
const down: InstanceView = { ...web, routed: false, health: 'critical', reason: 'check "up" is critical' }
const change = { service: 'web', instance: 'n/web-1', tagsAdded: [], tagsRemoved: [] }

describe('the causes of a change', () => {
  test.each([
    ['came', [], [web], { before: null, after: 'passing', reason: '', tagsAdded: web.tags }],
    ['is gone', [web], [], { before: 'passing', after: null, reason: '', tagsRemoved: web.tags }],
    ['fell ill', [web], [down], { before: 'passing', after: 'critical', reason: down.reason }],
    ['is well again', [down], [web], { before: 'critical', after: 'passing', reason: '' }],
    [
      'has other tags',
      [web],
      [{ ...web, tags: ['v1', 'urlprefix-/y'] }],
      {
        before: 'passing',
        after: 'passing',
        reason: '',
        tagsAdded: ['urlprefix-/y'],
        tagsRemoved: ['urlprefix-/x'],
      },
    ],
  ])('an instance that %s', (_what, before, after, cause) => {
    expect(instanceChanges('web', before, after)).toEqual([{ ...change, ...cause }])
  })

  test.each([
    ['nothing', [web], [web]],
    ['what its check prints', [down], [{ ...down, reason: 'something else' }]],
    ['the order of its tags', [web], [{ ...web, tags: [...web.tags].reverse() }]],
  ])('are none where %s changed', (_what, before, after) => {
    expect(instanceChanges('web', before, after)).toEqual([])
  })

  test('are overrides that came, changed or went', () => {
    const document = (name: string, text: string) => ({ name, text })
    const before = [document('a', '1'), document('b', '1'), document('c', '1')]
    const after = [document('b', '2'), document('c', '1'), document('d', '1')]
    expect(overrideChanges(before, after)).toEqual([
      { name: 'b', change: 'changed' },
      { name: 'd', change: 'added' },
      { name: 'a', change: 'removed' },
    ])
  })
})

describe('the history', () => {
  const nothing = { instances: [], overrides: [], added: [], removed: [] }

  test('has the newest change first, with its moment and the version after it', () => {
    const history = new History()
    history.record({ ...nothing, added: ['+a'] }, 1, 0)
    history.record({ ...nothing, removed: ['-a'] }, 2, 1000)
    expect(history.view()).toEqual({
      capacity: 200,
      changes: [
        {
          ...nothing,
          removed: ['-a'],
          version: 2,
          at: '1970-01-01T00:00:01.000Z',
          total: { instances: 0, added: 0, removed: 1 },
        },
        {
          ...nothing,
          added: ['+a'],
          version: 1,
          at: '1970-01-01T00:00:00.000Z',
          total: { instances: 0, added: 1, removed: 0 },
        },
      ],
    })
  })

  test('takes no note of nothing', () => {
    const history = new History()
    history.record(nothing, 1, 0)
    expect(history.view().changes).toEqual([])
  })

  test('keeps so many changes and of each so much, and says how much there was', () => {
    const history = new History(3, 2)
    const lines = ['1', '2', '3', '4']
    for (let version = 1; version <= 10; version++)
      history.record({ ...nothing, added: lines, removed: lines }, version, version)
    const { changes } = history.view()
    expect(changes.map(({ version }) => version)).toEqual([10, 9, 8])
    expect(changes[0]).toMatchObject({
      added: ['1', '2'],
      removed: ['1', '2'],
      total: { added: 4, removed: 4 },
    })
  })
})
