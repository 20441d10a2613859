import type { CDPSession, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { TableView } from '../../src/admin/view.ts'
import { pagesInBrowser, soon } from './in-browser.ts'
import { largeFigures, largeTable, route, tableOf, target } from './tables.ts'

const open = pagesInBrowser()

const large = largeTable(10_000)

describe('a table of 10,000 routes with two instances each', () => {
  test('is told as such to assistive technology while few rows are in the document', async () => {
    const { page } = await open(large)
    const table = page.getByRole('table', { name: 'Routes' })
    expect(await table.getAttribute('aria-rowcount')).toBe('20101')
    expect(await page.locator('tbody tr').count()).toBeLessThan(60)

    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    const last = page.locator('tr[aria-rowindex="20101"]')
    await last.waitFor()
    expect(await last.locator('.path').textContent()).toBe('/path/9999')
    expect(await page.locator('tbody tr').count()).toBeLessThan(60)
  })

  test('is filtered within 50 ms of script time per key', async () => {
    const { page } = await open(large)
    await page.getByText('20,000 rows').waitFor()
    const scripts = await scriptMeter(page)
    const spent = await leastForKeys(page, scripts, 'service-49 passing')
    // service-49 and service-490 to service-499, 10 routes each, 2 instances each
    await page.getByText('440 of 20,000 rows').waitFor()
    expect(Math.max(...spent)).toBeLessThan(50)
  })

  test('is filtered by what passes through within 50 ms of script time per key, and takes a change within that', async () => {
    const { page, admin } = await open({ ...large, sequence: 1 } as TableView)
    await page.getByText('20,000 rows').waitFor()
    admin.pushFigures(largeFigures(large))
    await page.locator('.routes:not(.uncounted)').waitFor()
    const scripts = await scriptMeter(page)
    const spent = await leastForKeys(page, scripts, 'rate>=15')
    await page.getByText('5,000 of 20,000 rows').waitFor()
    expect(Math.max(...spent)).toBeLessThan(50)

    const changes: number[] = []
    const { version, changedAt, registry, routes } = large
    for (const n of [1, 2, 3]) {
      const before = await scripts()
      const fresh = { ...routes[5 + n]!, targets: routes[5 + n]!.targets.slice(1) }
      const head = { version: version + n, changedAt, registry }
      admin.pushChanges({ after: n, sequence: n + 1, ...head, routes: [fresh], gone: [] })
      await page.getByText(`of ${(20_000 - n).toLocaleString('en')} rows`).waitFor()
      changes.push((await scripts()) - before)
    }
    expect(Math.min(...changes)).toBeLessThan(50)
  })

  test('goes back to the first row when the filter changes', async () => {
    const { page } = await open(large)
    await page.getByText('20,000 rows').waitFor()
    await page.evaluate('scrollTo(0, 100000)')
    await page.locator('tr[aria-rowindex="1930"]').waitFor()
    await page.getByLabel('Filter the routes').fill('example')
    await page.locator('tr[aria-rowindex="2"]').waitFor()
  })

  test('stays where it is on the screen when rows come above', async () => {
    const { page, admin } = await open(large)
    await page.getByText('20,000 rows').waitFor()
    await page.evaluate('scrollTo(0, 100000)')
    const row = page.locator('tbody tr', { hasText: 'service-460-960-0' })
    const before = await row.boundingBox()
    admin.push(tableOf([route('a.example', '/', target(), target()), ...large.routes], { version: 2 }))
    await page.getByText('20,002 rows').waitFor()
    await soon(async () => Math.round((await row.boundingBox())?.y ?? -1), Math.round(before?.y ?? -2))
  })

  test('keeps the row with the focus in the document, however far one scrolls', async () => {
    const { page } = await open(large)
    const first = page.getByRole('button', { name: /details of .*service-0-0-0 at/ })
    await first.focus()
    await page.evaluate('scrollTo(0, 100000)')
    await page.locator('tr[aria-rowindex="1930"]').waitFor()
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toContain(
      'service-0-0-0',
    )
    expect(await page.locator('tbody .path').first().innerText()).toBe('/path/0')
  })

  test('can be walked through with the Tab key', async () => {
    const { page } = await open(large)
    await page.getByRole('button', { name: /details of .*service-0-0-0 at/ }).focus()
    for (let i = 0; i < 100; i++) {
      await page.keyboard.press('Tab')
      // As fast as frames are drawn, and no faster: no hand is.
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
    expect(await page.evaluate("document.activeElement.closest('tr')?.getAttribute('aria-rowindex')")).toBe(
      '53',
    )
  })
})

/**
 * Types the words three times and gives what each key costs, milliseconds: the least of its times. What else goes on, on
 * the machine or in the browser, only ever adds to one.
 */
async function leastForKeys(page: Page, scripts: () => Promise<number>, words: string): Promise<number[]> {
  const least = Array.from(words, () => Number.POSITIVE_INFINITY)
  const filter = page.getByLabel('Filter the routes')
  for (let round = 0; round < 3; round++) {
    await filter.fill('')
    await filter.focus()
    for (const [i, key] of [...words].entries()) {
      await page.evaluate(twoFrames)
      const before = await scripts()
      await page.keyboard.press(key === ' ' ? 'Space' : key)
      // Two frames later all that the key set off is done.
      await page.evaluate(twoFrames)
      least[i] = Math.min(least[i]!, (await scripts()) - before)
    }
  }
  return least
}

const twoFrames = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))'

/** Reads how long the page has been running scripts, milliseconds. */
async function scriptMeter(page: Page): Promise<() => Promise<number>> {
  const session: CDPSession = await page.context().newCDPSession(page)
  // The time of the thread, not of the clock: what else runs on this machine does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const seconds = metrics.find(({ name }) => name === 'ScriptDuration')?.value
    if (seconds === undefined) throw new Error('Performance.getMetrics: expected ScriptDuration, got none')
    return seconds * 1_000
  }
}
