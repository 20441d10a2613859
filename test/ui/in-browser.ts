import type { Browser, BrowserContextOptions, ConsoleMessage, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { TableView } from '../../src/admin/view.ts'
import { launchBrowser } from '../support/browser.ts'
import { type BuiltUi, buildUi } from './built-ui.ts'
import { type FakeAdmin, type FakeInfo, startFakeAdmin } from './fake-admin.ts'

/** The built page and a browser for the tests of one file. */
export interface Browsing {
  /** Of the built page. */
  folder(): string
  /** Opens a page; the test fails if it complains on its console or asks another origin for anything. */
  open(origin: string, path: string, options?: BrowserContextOptions): Promise<Page>
  /** Says that pages of this test may complain about this on their console. */
  expectComplaint(of: RegExp): void
  /** Is called after the test, the last first. */
  ending(end: () => unknown): void
}

/** Builds the page and starts a browser for the tests of this file. After each test everything is closed. */
export function browsing(): Browsing {
  let built: BuiltUi
  let browser: Browser
  let endings: (() => unknown)[] = []
  let faults: string[] = []
  let allowed: RegExp[] = []

  beforeAll(async () => {
    built = await buildUi()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await built?.remove()
  })
  afterEach(async () => {
    for (const end of endings.toReversed()) await end()
    const unexpected = faults.filter((fault) => !allowed.some((pattern) => pattern.test(fault)))
    endings = []
    faults = []
    allowed = []
    expect(unexpected).toEqual([])
  })

  return {
    folder: () => built.folder,
    ending: (end) => endings.push(end),
    expectComplaint: (of) => allowed.push(of),
    async open(origin, path, options) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
      endings.push(() => context.close())
      const page = await context.newPage()
      page.on('console', (message: ConsoleMessage) => {
        if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`)
      })
      page.on('pageerror', (error: Error) => faults.push(`uncaught: ${error.message}`))
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== origin) faults.push(`asked for ${request.url()}`)
      })
      await page.goto(`${origin}/${path}`)
      return page
    },
  }
}

export interface Opened extends Pick<Browsing, 'expectComplaint'> {
  readonly page: Page
  readonly admin: FakeAdmin
}

interface OpenOptions extends BrowserContextOptions {
  readonly info?: FakeInfo
  /** Of the page's URL, `?filter=a` */
  readonly query?: string
  /** `history` */
  readonly path?: string
}

/** The returned function opens the page on an admin server of its own, that plays what the test wants. */
export function pagesInBrowser(): (table: TableView | null, options?: OpenOptions) => Promise<Opened> {
  const { folder, open, expectComplaint, ending } = browsing()
  return async (table, { info, query = '', path = 'routes', ...options } = {}) => {
    const admin = await startFakeAdmin(folder(), table, info)
    ending(() => admin.close())
    const page = await open(admin.origin, path + query, options)
    return { page, admin, expectComplaint }
  }
}

/** The texts of a column of the rows in the document, in order. */
export async function column(page: Page, name: string): Promise<string[]> {
  const texts = await page.locator(`tbody td.${name}`).allInnerTexts()
  return texts.map((text) => text.trim())
}

/** Expects `read` to give `value` soon. */
export async function soon<T>(read: () => Promise<T> | T, value: T): Promise<void> {
  await expect.poll(read, { timeout: 10_000 }).toEqual(value)
}
