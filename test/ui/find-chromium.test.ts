import { expect, test } from 'vitest'
import { findChromium } from '../support/browser.ts'

test('CHROMIUM_BIN wins', () => {
  expect(findChromium({ CHROMIUM_BIN: process.execPath, PATH: '' })).toBe(process.execPath)
})

test('a CHROMIUM_BIN that cannot be run is an error, not a reason to look elsewhere', () => {
  expect(() => findChromium({ CHROMIUM_BIN: '/no/such/chromium' })).toThrow(
    'CHROMIUM_BIN: expected the path of a Chromium, got "/no/such/chromium"',
  )
})
