import { describe, expect, test } from 'vitest'
import type { ChangeView, InstanceChangeView } from '../../src/admin/view.ts'
import { causeOf, changesWith } from '../../ui/src/history/changes.ts'
import { soon } from './in-browser.ts'
import { pagesOnGateway } from './on-gateway.ts'

const instance = (changes: Partial<InstanceChangeView> = {}): InstanceChangeView => ({
  service: 'shop',
  instance: 'n/shop-1',
  before: 'passing',
  after: 'passing',
  reason: '',
  tagsAdded: [],
  tagsRemoved: [],
  ...changes,
})
const change = (changes: Partial<ChangeView> = {}): ChangeView => {
  const { instances = [], added = [], removed = [] } = changes
  return {
    version: 1,
    at: '2026-03-04T05:06:07.000Z',
    overrides: [],
    ...changes,
    instances,
    added,
    removed,
    total: { instances: instances.length, added: added.length, removed: removed.length },
  }
}

describe('the cause of a change in a few words', () => {
  test.each([
    ['shop: an instance came', { instances: [instance({ before: null })] }],
    ['shop: an instance is gone', { instances: [instance({ after: null })] }],
    ['shop: an instance is critical', { instances: [instance({ after: 'critical' })] }],
    ['shop: an instance has other tags', { instances: [instance({ tagsAdded: ['v2'] })] }],
    ['shop: an instance is served otherwise', { instances: [instance()] }],
    ['2 instances of shop', { instances: [instance(), instance({ instance: 'n/shop-2' })] }],
    [
      '5 instances of a, b, c and others',
      { instances: ['a', 'b', 'c', 'd', 'a'].map((service) => instance({ service })) },
    ],
    ['override changed', { overrides: [{ name: 'fabio/config', change: 'changed' }] }],
    [
      'shop: an instance came, 2 overrides',
      {
        instances: [instance({ before: null })],
        overrides: [
          { name: 'a', change: 'added' },
          { name: 'b', change: 'removed' },
        ],
      },
    ],
  ] as const)('%s', (words, changes) => {
    expect(causeOf(change(changes))).toBe(words)
  })
})

test('changes are found by what they say, all of the words', () => {
  const changes = [
    change({ version: 3, instances: [instance({ after: 'critical', reason: 'Connection refused' })] }),
    change({ version: 2, added: ['route add cart cart.com/ http://10.0.0.1/'] }),
    change({ version: 1, overrides: [{ name: 'fabio/config/team-a', change: 'removed' }] }),
  ]
  const found = (filter: string): number[] => changesWith(changes, filter).map(({ version }) => version)
  expect(found('')).toEqual([3, 2, 1])
  expect(found('shop CRITICAL')).toEqual([3])
  expect(found('refused cart')).toEqual([])
  expect([found('cart.com'), found('team-a removed'), found('table 2')]).toEqual([[2], [1], [2]])
})

describe('the page of the history', () => {
  const start = pagesOnGateway()

  test('shows what changed as it happens, with its cause, its diff, and the checks now', async () => {
    const { open, register, put } = await start()
    const page = await open('history')
    await page.getByText('Nothing has changed yet').waitFor()
    await register('shop-1', ['urlprefix-shop.com/'])
    const changes = page.locator('.change')
    await changes.getByRole('heading', { name: 'shop: an instance came' }).waitFor()
    await changes.first().getByText('route add shop shop.com/ http://10.0.0.1:8080/').waitFor()

    await put('/v1/agent/check/fail/shop-1?note=connection+refused', '')
    const newest = changes.first()
    await newest.getByRole('heading', { name: 'shop: an instance is critical' }).waitFor()
    expect((await newest.locator('.diff li').allTextContents()).map((text) => text.trim())).toEqual([
      '−removed: route add shop shop.com/ http://10.0.0.1:8080/',
    ])
    await newest.getByText('connection refused').waitFor()

    await newest.getByRole('button', { name: 'Its checks now' }).click()
    await newest.getByText(/now\s+critical, it gets no requests/).waitFor()
    await put('/v1/agent/check/pass/shop-1', '')
    const failed = changes.filter({ hasText: 'shop: an instance is critical' })
    await failed.getByText(/now\s+passing, it gets requests/).waitFor()
    await put('/v1/agent/service/deregister/shop-1', '')
    await failed.getByText('It is not registered any more.').waitFor()
  })

  test('shows an override with the lines that it adds and takes away', async () => {
    const { open, register, put } = await start()
    await register('shop-1', ['urlprefix-shop.com/'])
    await put('/v1/kv/fabio/config/team-a', 'route weight shop shop.com/ weight 0.5')
    const page = await open('history')
    const newest = page.locator('.change').first()
    await newest.getByRole('heading', { name: 'override added' }).waitFor()
    await soon(
      async () => (await newest.locator('.diff li').allTextContents()).map((text) => text.trim()),
      [
        '−removed: route add shop shop.com/ http://10.0.0.1:8080/',
        '+added: route add shop shop.com/ http://10.0.0.1:8080/ weight 0.5',
      ],
    )
  })

  test('is filtered, as its URL says, and leads to the routes of an instance', async () => {
    const { open, register } = await start()
    await register('shop-1', ['urlprefix-shop.com/'])
    const page = await open('history?filter=cart')
    await page.getByText('No change fits').waitFor()
    await register('cart-1', ['urlprefix-cart.com/'])
    await soon(() => page.locator('.change h2').allInnerTexts(), ['cart: an instance came'])
    await page.getByLabel('Filter the changes').fill('shop')
    await soon(() => page.locator('.change h2').allInnerTexts(), ['shop: an instance came'])
    await soon(() => new URL(page.url()).search, '?filter=shop')
    await page.locator('.change').getByRole('link', { name: 'routes' }).click()
    await soon(() => page.locator('td.service').allInnerTexts(), ['shop'])
    expect(new URL(page.url()).searchParams.get('filter')).toBe('instance:gatehouse/shop-1')
  })
})
