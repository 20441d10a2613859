import { mkdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { waitFor } from '../support/wait.ts'
import { buildUi } from '../ui/built-ui.ts'
import { letThingsHappen, type Stage, startStage } from './stage.ts'

const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const lowContrast = await readFile(new URL('../ui/low-contrast.js', import.meta.url), 'utf8')

/** Each page, with what shows that it is there in full. */
const pages: readonly (readonly [name: string, path: string, sign: string])[] = [
  ['routes', 'routes', 'tr.host'],
  ['explain', 'explain?url=http://shop.example.com/cart/items', '.target'],
  ['problems', 'problems', '.problem'],
  ['history', 'history', '.change .diff'],
  ['overrides', 'manual/team-a', '.mistakes li'],
  ['traffic', 'traffic', '.plot canvas'],
]

/**
 * How long traffic has passed before the pages are looked at, seconds. The pictures of the documentation are taken by
 * `SCREENSHOTS=docs/ui TRAFFIC_SECONDS=420 npx vitest run test/e2e/pages.test.ts`.
 */
const seconds = Number(process.env.TRAFFIC_SECONDS ?? 8)
const folder = process.env.SCREENSHOTS

/** Those that the documentation has: every page at a desk by day and on a phone by night, and the two that differ most. */
const pictures = new Set([
  ...pages.flatMap(([name]) => [`${name}-1280-light`, `${name}-390-dark`]),
  ...['routes-1280-dark', 'traffic-1280-dark'],
])

let stage: Stage
let browser: Browser
let removeUi: () => Promise<void>
beforeAll(
  async () => {
    const built = await buildUi()
    removeUi = built.remove
    stage = await startStage(['-ui.title', 'staging'], built.folder, version)
    stage.startTraffic()
    await letThingsHappen(stage)
    browser = await launchBrowser()
    const { clock } = stage
    const until = clock.monotonic() + seconds * 1000
    await waitFor(() => clock.monotonic() > until, { what: 'traffic', deadline: seconds * 1000 + 5_000 })
  },
  60_000 + seconds * 1000,
)
afterAll(async () => {
  await browser?.close()
  await stage?.close()
  await removeUi?.()
})

/** What a reader of screens, or a narrow screen, would stumble over. */
const stumbles = `(() => {
  const named = (e) => e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim()
  const controls = [...document.querySelectorAll('button, a, input, select, textarea, summary')]
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id)
  return {
    headings: document.querySelectorAll('h1').length,
    nameless: controls.filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 80)),
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }
})()`

describe.each(pages)('the page %s of a gateway at work', (name, path, sign) => {
  test.each([
    [320, 'light'],
    [390, 'light'],
    [390, 'dark'],
    [768, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)('at %d px in %s: everything fits, can be read and has a name', async (width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 860 }, colorScheme })
    const complaints = complaintsOf(page)
    await page.goto(`${stage.gateway.adminUrl}/${path}`)
    await page.locator(sign).first().waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    // The figures come with the next reading.
    if (name === 'routes') await page.locator('.routes:not(.uncounted)').waitFor()
    expect(await page.evaluate(stumbles)).toEqual({ headings: 1, nameless: [], twice: [], wider: 0 })
    expect(await page.evaluate(lowContrast)).toEqual([])
    expect(complaints).toEqual([])
    const picture = `${name}-${width}-${colorScheme}`
    if (folder !== undefined && pictures.has(picture)) await takePicture(page, picture)
    await page.close()
  })
})

test('an instance that traffic has ejected is shown as such, though its check passes', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
  await page.goto(`${stage.gateway.adminUrl}/routes?filter=is:ejected+orders-3`)
  const row = page.locator('tbody tr', { hasText: 'orders-3' })
  await row.getByText(/ejected until \d\d:\d\d:\d\d/).waitFor({ timeout: 25_000 })
  await row.getByRole('button').click()
  await page
    .getByRole('dialog')
    .getByText(/passing\s*, ejected until/)
    .waitFor()
  if (folder !== undefined) await takePicture(page, 'details-1280-light')
  await page.close()
})

test('every page is reached by the keyboard, and says where one is', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
  await page.goto(`${stage.gateway.adminUrl}/routes`)
  await page.locator('tr.host').first().waitFor()
  for (const title of ['Explain', 'Problems', 'History', 'Overrides', 'Traffic', 'Routes']) {
    await page.locator('nav[aria-label=Pages] a', { hasText: title }).focus()
    await page.keyboard.press('Enter')
    const heading = page.getByRole('heading', { level: 1, name: title })
    await heading.waitFor()
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe(title)
    await expect.poll(() => page.title()).toMatch(new RegExp(`^\\(6\\) ${title} - gatehouse - staging$`))
    expect(await page.locator('nav [aria-current=page]').first().innerText()).toMatch(new RegExp(`^${title}`))
  }
  await page.close()
})

function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${stage.gateway.adminUrl}/`)) complaints.push(`asked for ${request.url()}`)
  })
  return complaints
}

async function takePicture(page: Page, name: string): Promise<void> {
  const root = fileURLToPath(new URL(`../../${folder}/`, import.meta.url))
  await mkdir(root, { recursive: true })
  await page.screenshot({ path: `${root}${name}.png` })
}
