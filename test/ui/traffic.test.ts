import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { TrafficSeries } from '../../src/admin/traffic-series.ts'
import type { SeriesView, TrafficView } from '../../src/admin/traffic-view.ts'
import { extentOf, knownPart, minutesOf, timesOf, type Values } from '../../ui/src/traffic/points.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { soon } from './in-browser.ts'
import { pagesOnGateway } from './on-gateway.ts'

const viewOf = (values: Values, changes: Partial<SeriesView> = {}): TrafficView => ({
  ...new TrafficSeries().view(null, 0, 0),
  at: '2026-03-04T05:06:00.000Z',
  everySeconds: 20,
  series: {
    requests: values,
    errors: values,
    p50: values,
    p99: values,
    connectionsOpen: values,
    connectionsAccepted: values,
    ...changes,
  },
})
const end = Date.parse('2026-03-04T05:06:00.000Z') / 1000

describe('the points of a chart', () => {
  test('are at even distances up to the newest', () => {
    expect(timesOf(viewOf([1, 2, 3]))).toEqual([end - 40, end - 20, end])
    expect(timesOf({ ...viewOf([1, 2]), at: null })).toEqual([])
  })

  test('begin where something is known, unless that is too little for a picture', () => {
    const known = (nulls: number, ones: number): number =>
      knownPart(viewOf([...Array<null>(nulls).fill(null), ...Array<number>(ones).fill(1)])).series.requests
        .length
    expect([known(0, 100), known(20, 80), known(95, 5), known(100, 0)]).toEqual([100, 81, 60, 100])
    expect(knownPart(viewOf([null, 1], { connectionsOpen: [] })).series.connectionsOpen).toEqual([])
  })

  test('have a newest and a highest value, as far as they are known', () => {
    expect(extentOf([null, 3, 5, 4])).toEqual({ now: 4, highest: 5 })
    expect(extentOf([1, null])).toEqual({ now: null, highest: 1 })
    expect(extentOf([])).toEqual({ now: null, highest: null })
  })

  test('make minutes, the newest first, of what is known', () => {
    const minutes = minutesOf(viewOf([null, null, null, 9, 3, 6, 9, 1, null], { p50: Array(9).fill(null) }))
    expect(minutes.map(({ at, requests, p50 }) => [at / 1000, requests, p50])).toEqual([
      [end, 5, null],
      [end - 60, 6, null],
    ])
  })
})

describe('the page of the traffic', () => {
  const start = pagesOnGateway()
  let origin: Origin | null = null
  let isOver = false
  afterEach(async () => {
    isOver = true
    await origin?.close()
  })

  /** A service that answers every fourth request with 500, and requests that keep coming. */
  async function withTraffic() {
    const stage = await start()
    let number = 0
    origin = await startOrigin((_, response) => {
      response.statusCode = ++number % 4 === 0 ? 500 : 200
      response.end('x')
    })
    await stage.put('/v1/agent/service/register', {
      Name: 'shop',
      Address: '127.0.0.1',
      Port: origin.port,
      Tags: ['urlprefix-/shop'],
      Check: { TTL: '600s', Status: 'passing' },
    })
    isOver = false
    const ask = async (): Promise<void> => {
      while (!isOver) {
        for (const path of ['/shop', '/none']) await (await request(stage.gateway.url + path)).body.dump()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    void ask().catch(() => {})
    return stage
  }

  test('shows what passes now and what passed, of all and of one service', async () => {
    const { open, expectComplaint } = await withTraffic()
    // The test looks at the picture several times.
    expectComplaint(/willReadFrequently/)
    const page = await open('traffic')
    const requests = page.locator('.live-figures div', { hasText: 'requests a second' }).locator('dd')
    await expect
      .poll(async () => Number.parseFloat(await requests.innerText()), { timeout: 15_000 })
      .toBeGreaterThan(5)
    const row = page.getByRole('row', { name: /^shop/ })
    await row.waitFor({ timeout: 15_000 })
    await expect.poll(() => row.getByRole('cell').nth(1).innerText()).toMatch(/^2\d%$/)
    await page.getByRole('heading', { name: 'Client connections' }).waitFor()
    await soon(() => page.locator('.plot canvas').count(), 4)

    await row.getByRole('link').click()
    await page.getByText('of shop, in the last 30 minutes').waitFor()
    await soon(() => page.locator('.plot canvas').count(), 3)
    expect(new URL(page.url()).search).toBe('?service=shop')
    await page.getByText('The charts as a table').click()
    const minute = page.getByRole('table').last().getByRole('row').nth(1)
    await expect
      .poll(async () => Number.parseFloat(await minute.getByRole('cell').first().innerText()))
      .toBeGreaterThan(2)

    // The picture itself: something was drawn in the colour of the series.
    await page.reload()
    await page.locator('.plot canvas').first().waitFor()
    const drawn = `(() => {
      const canvas = document.querySelector('.plot canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      let blue = 0
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && data[i + 2] > data[i] + 80) blue++
      return blue
    })()`
    await expect
      .poll(() => page.evaluate<number>(drawn), { timeout: 20_000, interval: 500 })
      .toBeGreaterThan(5)
    await page.getByRole('link', { name: 'all services' }).click()
    await page.getByText('of all services, in the last 30 minutes').waitFor()
  })

  test('says what each instance gets on the page of the routes', async () => {
    const { open } = await withTraffic()
    const page = await open('routes?sort=rate')
    const cell = (name: string) => page.locator('tbody tr').first().locator(`td.${name}`)
    await expect
      .poll(async () => Number.parseFloat(await cell('rate').innerText()), { timeout: 15_000 })
      .toBeGreaterThan(5)
    expect(await cell('errors').innerText()).toMatch(/^2\d%$/)
    expect(await cell('p99').innerText()).toMatch(/ms$/)
  })
})
