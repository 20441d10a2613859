import type { Browser, BrowserContextOptions, ConsoleMessage, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { TableView } from '../../src/admin/view.ts'
import { launchBrowser } from '../support/browser.ts'
import { type BuiltUi, buildUi } from './built-ui.ts'
import { type FakeAdmin, type FakeInfo, startFakeAdmin } from './fake-admin.ts'

export interface Opened {
  readonly page: Page
  readonly admin: FakeAdmin
  /** Says that the page may complain about this on its console. */
  expectComplaint(of: RegExp): void
}

interface OpenOptions extends BrowserContextOptions {
  readonly info?: FakeInfo
  /** Of the page's URL, `?filter=a` */
  readonly query?: string
  /** `history` */
  readonly path?: string
}

/**
 * Builds the page and starts a browser for the tests of this file. The returned function opens the page on an admin
 * server of its own. After each test everything is closed, and the test fails if the page complained on its console
 * or asked any other origin for anything.
 */
export function pagesInBrowser(): (table: TableView | null, options?: OpenOptions) => Promise<Opened> {
  let built: BuiltUi
  let browser: Browser
  let endings: (() => Promise<void>)[] = []
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

  return async (table, { info, query = '', path = 'routes', ...options } = {}) => {
    const admin = await startFakeAdmin(built.folder, table, info)
    endings.push(() => admin.close())
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    endings.push(() => context.close())
    const page = await context.newPage()
    page.on('console', (message: ConsoleMessage) => {
      if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error: Error) => faults.push(`uncaught: ${error.message}`))
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== admin.origin) faults.push(`asked for ${request.url()}`)
    })
    await page.goto(`${admin.origin}/${path}${query}`)
    return { page, admin, expectComplaint: (of) => allowed.push(of) }
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
