import { describe, expect, test } from 'vitest'
import type { ProblemView, UnroutedView } from '../../src/admin/view.ts'
import { adviceOnInstance, adviceOnText } from '../../ui/src/problems/advice.ts'
import { countOf, groupsOf } from '../../ui/src/problems/problem-groups.ts'
import { pagesInBrowser, soon } from './in-browser.ts'
import { badWeight, route, tableOf, target } from './tables.ts'

const unrouted = (changes: Partial<UnroutedView> = {}): UnroutedView => ({
  service: 'hello',
  instance: 'node-1/hello-2',
  tags: ['urlprefix-/'],
  health: 'critical',
  reason: 'check "http": refused',
  ...changes,
})
const badTag: ProblemView = {
  service: 'cart',
  instance: 'node-1/cart-1',
  text: 'urlprefix-[cart/',
  reason: 'expected a host pattern, got "[cart": "[" without "]"',
}
const served = tableOf([route('', '/', target())])
const lost = {
  ...served.registry,
  connected: false,
  error: 'connect ECONNREFUSED 127.0.0.1:8500',
}

describe('problems are grouped', () => {
  test('by what would be mended: services without any instance apart from those that others serve', () => {
    const mail = unrouted({ service: 'mail', instance: 'node-1/mail-1' })
    const both = [unrouted(), unrouted({ instance: 'node-1/hello-3' })]
    const groups = groupsOf({ rejected: [], unrouted: [...both, mail] }, served)
    expect(groups.down).toEqual([{ service: 'mail', instances: [mail] }])
    expect(groups.partly).toEqual([{ service: 'hello', instances: both }])
  })

  test('so that an instance which is out because of its tag is told once', () => {
    const out = unrouted({
      service: 'cart',
      instance: 'node-1/cart-1',
      health: 'passing',
      reason: badTag.reason,
    })
    const groups = groupsOf({ rejected: [badTag, badWeight], unrouted: [out] }, served)
    expect(groups.rejected.map(({ isOut }) => isOut)).toEqual([true, false])
    expect(groups.down).toEqual([])
    const critical = { ...out, health: 'critical', reason: 'check "http": refused' } as const
    expect(groupsOf({ rejected: [badTag], unrouted: [critical] }, served).down).toHaveLength(1)
  })

  test.each([
    ['nothing', served, [], [], 0],
    ['the registry', tableOf([], { registry: lost }), [], [], 1],
    [
      'old data',
      tableOf([], { registry: { ...served.registry, oldSince: '2026-01-01T00:00:00Z' } }),
      [],
      [],
      1,
    ],
    ['each text and each service', served, [badTag, badWeight], [unrouted(), unrouted({ instance: 'x' })], 3],
  ] as const)('and counted: %s', (_, table, rejected, out, count) => {
    expect(countOf({ rejected, unrouted: out }, table)).toBe(count)
  })

  test('and not counted before they are known', () => {
    expect([countOf(null, served), countOf({ rejected: [], unrouted: [] }, null)]).toEqual([null, null])
  })
})

describe('what can be done', () => {
  test.each([
    [unrouted(), 'gets requests again as soon as it passes', undefined],
    [unrouted({ health: 'warning' }), 'registry.consul.service.status', undefined],
    [
      unrouted({ health: 'maintenance', reason: 'the instance is in maintenance' }),
      'this ends it',
      'consul maint -disable -service=hello-2',
    ],
    [
      unrouted({ health: 'maintenance', reason: 'the node is in maintenance' }),
      'this ends it',
      'consul maint -disable',
    ],
    [
      unrouted({ health: 'passing', reason: 'manual overrides take its routes away' }),
      'route del',
      undefined,
    ],
    [unrouted({ health: 'passing', reason: badTag.reason }), 'Correct its tags', undefined],
  ])('about %j', (instance, words, command) => {
    const advice = adviceOnInstance(instance)
    expect([advice.text.includes(words), advice.command]).toEqual([true, command])
  })

  test.each([
    [badTag, 'consul', 'Correct the tag where the service is registered', undefined],
    [
      { ...badWeight, reason: 'weight: no; the route is served without it' },
      'consul',
      'the option',
      undefined,
    ],
    [{ ...badTag, reason: 'redirects are not served by this version' }, 'consul', 'cannot do it', undefined],
    [{ ...badTag, instance: '' }, 'consul', 'in the overrides', 'manual'],
    [{ ...badTag, instance: '' }, 'file', 'where it is written', undefined],
  ])('about the text of %j (%s)', (problem, registry, words, page) => {
    const advice = adviceOnText(problem, registry)
    expect([advice.text.includes(words), advice.page]).toEqual([true, page])
  })
})

describe('the page of problems', () => {
  const open = pagesInBrowser()

  test('says what is wrong, why, and what can be done, and follows what changes', async () => {
    const { page, admin } = await open(null, { path: 'problems' })
    admin.unrouted = [unrouted({ service: 'mail', instance: 'node-1/mail-1' }), unrouted()]
    admin.push({ ...served, problems: [badTag, { ...badWeight, instance: '' }] })
    const down = page.getByRole('region', { name: '1 service without any instance' })
    await down.getByText('node-1/mail-1').waitFor()
    await down.getByText('check "http": refused').waitFor()
    await down.getByText('gets requests again as soon as it passes').waitFor()
    const texts = page.getByRole('region', { name: '2 tags or lines not served as written' })
    await texts.getByText('expected a host pattern, got "[cart": "[" without "]"').waitFor()
    await page.getByRole('region', { name: '1 service with instances that get no requests' }).waitFor()
    await soon(() => page.title(), '(4) Problems - gatehouse')

    admin.unrouted = []
    admin.push(served)
    await page.getByText('Nothing is wrong').waitFor()
    await soon(() => page.title(), 'Problems - gatehouse')
  })

  test('says what to do when the registry is not heard', async () => {
    const { page, admin } = await open(null, { path: 'problems' })
    admin.push(tableOf(served.routes, { registry: lost }))
    const registry = page.getByRole('region', { name: 'The registry is not heard' })
    await registry.getByText(/since .*ECONNREFUSED/).waitFor()
    await registry.getByText('curl http://localhost:8500/v1/status/leader').waitFor()
    admin.push(tableOf(served.routes, { registry: { ...served.registry, oldSince: '2026-01-01T00:00:00Z' } }))
    await page.getByRole('region', { name: 'What the registry says may be old' }).waitFor()
  })

  test('leads to the routes and the history of an instance, and to the overrides', async () => {
    const { page, admin } = await open(null, { path: 'problems' })
    admin.unrouted = [unrouted()]
    admin.push({ ...served, problems: [{ ...badWeight, instance: '' }] })
    const links = page.getByRole('main').getByRole('link')
    await links.first().waitFor()
    const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    expect(hrefs).toEqual([
      'manual',
      'routes?filter=instance%3Anode-1%2Fhello-2',
      'history?filter=node-1%2Fhello-2',
    ])
  })

  test('shows the first of very many, and all when asked', async () => {
    const { page, admin } = await open(null, { path: 'problems' })
    const many = Array.from({ length: 2_000 }, (_, i) => ({ ...badWeight, instance: `node-2/shop-${i}` }))
    admin.push({ ...served, problems: many })
    const region = page.getByRole('region', { name: '2,000 tags or lines not served as written' })
    await soon(() => region.getByRole('listitem').count(), 50)
    await region.getByRole('button', { name: 'Show all 2,000' }).click()
    await soon(() => region.getByRole('listitem').count(), 2_000)
  })
})
