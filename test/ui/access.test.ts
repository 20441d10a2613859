import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { pagesInBrowser } from './in-browser.ts'
import { sample, sampleFigures, tableOf } from './tables.ts'

const open = pagesInBrowser()
const lowContrast = await readFile(new URL('low-contrast.js', import.meta.url), 'utf8')

const narrow = { width: 390, height: 844 }
const wide = { width: 1280, height: 800 }

describe('the page for those who do not see it', () => {
  test('has one first heading, landmarks, and a table with its headers', async () => {
    const { page } = await open(sample)
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    expect(await page.getByRole('heading', { level: 1 }).allInnerTexts()).toEqual(['Routes'])
    for (const landmark of ['banner', 'main', 'search'] as const) {
      expect(await page.getByRole(landmark).count(), landmark).toBe(1)
    }
    expect(await page.getByRole('columnheader').allInnerTexts()).toEqual([
      'Route ↑',
      'Service',
      'Instance',
      'Share',
      'Req/s',
      'Errors',
      'p50',
      'p99',
      'In flight',
      'Tags, options',
      'Health',
    ])
    const row = page.getByRole('row', { name: 'portal' })
    expect(await row.getByRole('cell').count()).toBe(11)
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('15')
    expect(await page.evaluate('document.documentElement.lang')).toBe('en')
  })

  test.each([
    ['wide', wide],
    ['narrow', narrow],
  ])('keeps its table a table on a %s screen', async (_, viewport) => {
    const { page } = await open(sample, { viewport })
    await page.getByRole('table').waitFor()
    const session = await page.context().newCDPSession(page)
    const { nodes } = await session.send('Accessibility.getFullAXTree')
    const number = (role: string): number => nodes.filter((node) => node.role?.value === role).length
    expect([number('table'), number('row'), number('columnheader'), number('cell')]).toEqual([1, 15, 11, 110])
    expect(number('rowheader')).toBe(4)
  })

  test('names everything that can be operated, and repeats no id', async () => {
    const { page } = await open(sample)
    await page.getByRole('table').waitFor()
    const nameless = `[...document.querySelectorAll('button, a, input, select')].filter((e) =>
      !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim())).length`
    expect(await page.evaluate(nameless)).toBe(0)
    const label = "name in the visible words: 'critical' begins the label of the button that shows it"
    expect(
      await page.evaluate(`[...document.querySelectorAll('td button')].every((b) =>
        b.getAttribute('aria-label').startsWith(b.textContent.trim()))`),
      label,
    ).toBe(true)
    const ids = await page.evaluate<string[]>("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    expect(ids).toEqual([...new Set(ids)])
    expect(await page.evaluate("[...document.images].every((i) => i.hasAttribute('alt'))")).toBe(true)
  })

  test('tells states apart by word and shape, not by colour alone', async () => {
    const { page } = await open(sample)
    await page.getByRole('table').waitFor()
    const said = await page.evaluate<[string, string][]>(
      `[...document.querySelectorAll('td .health')].map((h) => [h.textContent.trim(), h.querySelector('path').getAttribute('d')])`,
    )
    const shapes = new Map(said)
    expect([...shapes.keys()].toSorted()).toEqual(['critical', 'maintenance', 'passing', 'warning'])
    expect(new Set(shapes.values()).size).toBe(4)
  })

  test('shows where the focus is', async () => {
    const { page } = await open(sample)
    await page.getByRole('table').waitFor()
    for (let i = 0; i < 24; i++) {
      await page.keyboard.press('Tab')
      const outline = 'getComputedStyle(document.activeElement).outlineStyle'
      expect(await page.evaluate(outline)).toBe('solid')
    }
  })
})

describe('the look', () => {
  test.each([
    ['light', wide],
    ['light', narrow],
    ['dark', wide],
    ['dark', narrow],
  ] as const)('%s: text can be read (%o)', async (colorScheme, viewport) => {
    const registry = { ...sample.registry, connected: false, error: 'refused' }
    const { page, admin } = await open(sample, {
      colorScheme,
      viewport,
      info: { title: 'live', color: 'red' },
    })
    await page.getByText('version').waitFor()
    await page.getByRole('table').waitFor()
    expect(await page.evaluate(lowContrast)).toEqual([])
    await page.getByRole('button', { name: /^critical/ }).click()
    await page.getByRole('dialog').waitFor()
    expect(await page.evaluate(lowContrast)).toEqual([])
    await page.keyboard.press('Escape')
    admin.push(tableOf([], { version: 58, registry }))
    await page.getByText('does not answer').waitFor()
    expect(await page.evaluate(lowContrast)).toEqual([])
  })

  test('differs between light and dark', async () => {
    const colours: unknown[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(sample, { colorScheme })
      await page.getByRole('table').waitFor()
      colours.push(
        await page.evaluate(
          `(({ backgroundColor, color }) => ({ backgroundColor, color }))(getComputedStyle(document.body))`,
        ),
      )
    }
    expect(colours).toEqual([
      { backgroundColor: 'rgb(245, 247, 244)', color: 'rgb(28, 36, 32)' },
      { backgroundColor: 'rgb(18, 22, 20)', color: 'rgb(227, 233, 229)' },
    ])
  })

  test.each([320, 390, 768, 960, 1280])('at %d px nothing is wider than the screen', async (width) => {
    const { page, admin } = await open(sample, {
      viewport: { width, height: 800 },
      info: { title: 'a'.repeat(60), color: 'red' },
    })
    await page.getByText('version').waitFor()
    await page.getByRole('table').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    admin.push(tableOf([], { version: 58 }))
    await page.getByText('No routes yet').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  })

  test('makes cards of the rows at 390 px, with everything that matters in sight', async () => {
    const { page, admin } = await open(sample, { viewport: narrow })
    await page.getByRole('table').waitFor()
    admin.pushFigures(sampleFigures)
    await page.locator('td.rate', { hasText: '12' }).waitFor()
    const card = page.locator('tr', { hasText: '10.0.0.3:8080' })
    for (const cell of ['route', 'service', 'instance', 'share', 'rate', 'state']) {
      const box = await card.locator(`td.${cell}`).boundingBox()
      expect(box?.width, cell).toBeGreaterThan(10)
    }
    const share = await card.locator('td.share').boundingBox()
    const service = await card.locator('td.service').boundingBox()
    expect(service?.y).toBeGreaterThan(share?.y ?? Number.POSITIVE_INFINITY)
  })
})
