import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/**
 * The Chromium to test with: `CHROMIUM_BIN`, else the system's. Throws where there is none: a test of the page must
 * not pass by not running.
 */
export function findChromium(env: Readonly<Record<string, string | undefined>>): string {
  const named = env.CHROMIUM_BIN
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named
    throw new Error(`CHROMIUM_BIN: expected the path of a Chromium, got ${JSON.stringify(named)}`)
  }
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const candidates = ['/usr/bin/chromium', ...names.flatMap((name) => folders.map((f) => join(f, name)))]
  const found = candidates.find(isExecutable)
  if (found !== undefined) return found
  throw new Error(
    'the tests of the UI need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_BIN to its path',
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A headless Chromium with a user-data-dir of its own under the system's temporary folder; `close` removes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(process.env),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
