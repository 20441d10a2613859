import { expect, test } from 'vitest'
import { type Liveness, nextLiveness } from '../../ui/src/liveness.ts'

const waiting: Liveness = { state: 'waiting' }
const live: Liveness = { state: 'live' }
const stale: Liveness = { state: 'stale', since: 100 }
const refused: Liveness = { state: 'refused', since: 100 }

test.each<[sentence: string, now: Liveness, event: 'table' | 'lost' | 'refused', next: Liveness]>([
  ['the first table makes the page live', waiting, 'table', live],
  ['another table leaves it live', live, 'table', live],
  ['a table after a loss makes it live again', stale, 'table', live],
  ['a loss makes it stale from then on', live, 'lost', { state: 'stale', since: 200 }],
  ['a first connection that fails makes it stale', waiting, 'lost', { state: 'stale', since: 200 }],
  ['a failed attempt to reconnect does not move the beginning', stale, 'lost', stale],
  ['a wish for a login says why it is stale', stale, 'refused', refused],
  ['which another failed attempt does not hide', refused, 'lost', refused],
  ['a table after it makes it live again', refused, 'table', live],
])('%s', (_, now, event, next) => {
  expect(nextLiveness(now, event, 200)).toEqual(next)
})
