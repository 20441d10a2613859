import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { TableChanges, TableView } from '../../src/admin/view.ts'
import { column, pagesInBrowser, soon } from './in-browser.ts'
import { badWeight, route, sample, sampleFigures, tableOf, target } from './tables.ts'

const open = pagesInBrowser()

const paths = (page: Page): Promise<string[]> =>
  page
    .locator('tbody td.route .path')
    .allInnerTexts()
    .then((texts) => texts.map((text) => text.trim()))

const two = tableOf([route('', '/a', target()), route('', '/b', target({ address: '10.0.0.2:8080' }))])

describe('the table', () => {
  test('shows a row for each instance of each route', async () => {
    const { page } = await open(sample)
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    expect(await page.locator('tr.host').allTextContents()).toEqual([
      'api.example.com2 routes, 1 not routed',
      'mysite.com1 route, 1 not routed',
      ':54321 route',
      'any host2 routes',
    ])
    expect((await column(page, 'route')).slice(2, 8)).toEqual([
      'api.example.com\n/v2/orders',
      'api.example.com\n/',
      ...Array(3).fill('mysite.com\n/foo'),
      ':5432\nTCP',
    ])
    expect((await column(page, 'service')).slice(0, 5)).toEqual([
      ...Array(3).fill('orders'),
      'portal',
      'hello',
    ])
    expect((await column(page, 'share')).slice(2, 7)).toEqual([
      '0.00%',
      '100.00%',
      '66.67%',
      '33.33%',
      '0.00%',
    ])
    const options = await column(page, 'options')
    expect(options[0]).toMatch(/^v2\s*canary$/)
    expect(options[3]).toBe('proto=https tlsskipverify=true')
    expect(options[4]).toMatch(/^hello\s*strip=\/foo$/)
    expect(options[7]).toMatch(/^override\s*proto=tcp$/)
    const states = await column(page, 'state')
    expect(states[0]).toBe('passing')
    expect(states[2]).toMatch(/critical\s+check "orders http": HTTP GET .* no database/)
    expect(states[5]).toMatch(/warning\s+check "service:hello"/)
    expect(states[6]).toMatch(/maintenance\s+maintenance: moving to another rack/)
  })

  test('links to the destinations that a browser can open', async () => {
    const { page } = await open(sample)
    const first = page.getByRole('link', { name: '10.0.0.1:8080' }).first()
    expect(await first.getAttribute('href')).toBe('http://10.0.0.1:8080/')
    await page.getByText('tcp://10.0.0.4:5432').waitFor()
    expect(await page.getByRole('link', { name: 'tcp://10.0.0.4:5432' }).count()).toBe(0)
  })

  test('says how much there is, which table it is, and that Consul is heard', async () => {
    const { page } = await open(sample)
    await page.getByText('6 routes').waitFor()
    await page.getByText('9 instances, 2 not routed').waitFor()
    await page.getByText(/table 57, changed 2026-03-0\d \d\d:\d\d:\d\d/).waitFor()
    await page.getByText('Consul: connected to http://localhost:8500').waitFor()
  })

  test('says since when Consul is not heard, and why', async () => {
    const registry = { ...sample.registry, connected: false, error: 'connect ECONNREFUSED 127.0.0.1:8500' }
    const { page, admin } = await open(tableOf(sample.routes, { registry }))
    const line = page.getByText('Consul: no answer from http://localhost:8500')
    expect(await line.textContent()).toMatch(
      /since 2026-03-0\d [\d:]{8}; .*\(connect ECONNREFUSED 127\.0\.0\.1:8500\)/,
    )
    admin.push(tableOf([], { registry: { ...registry, lastContactAt: null } }))
    await page.getByText('no answer from http://localhost:8500 yet').waitFor()
    await page.getByText('Consul does not answer. Routes appear as soon as it does.').waitFor()
  })

  test('tells how to register a service while there is no route', async () => {
    const { page, admin } = await open(tableOf([]))
    await page.getByText('No routes yet').waitFor()
    const command = (await page.locator('pre').textContent()) ?? ''
    expect(command).toContain('curl -X PUT http://localhost:8500/v1/agent/service/register -d')
    const body = JSON.parse(/-d '(.*)'$/s.exec(command)?.[1] ?? '') as { Tags: string[] }
    expect(body.Tags).toEqual(['urlprefix-/hello'])
    admin.push(two)
    await soon(() => paths(page), ['/a', '/b'])
    expect(await page.getByText('No routes yet').count()).toBe(0)
  })
})

describe('the name of the gateway', () => {
  test('and its colour are the operator’s', async () => {
    const { page } = await open(two, { info: { title: 'staging', color: 'indigo' } })
    await page.getByText('staging').waitFor()
    expect(await page.title()).toBe('Routes - gatehouse - staging')
    await page.getByText('version 1.2.3').waitFor()
    expect(await page.evaluate("getComputedStyle(document.querySelector('.bar')).borderTopColor")).toBe(
      'rgb(63, 81, 181)',
    )
  })

  test('is plain where none was given', async () => {
    const { page } = await open(two)
    await page.getByText('version 1.2.3').waitFor()
    expect(await page.title()).toBe('Routes - gatehouse')
  })
})

describe('problems', () => {
  test('are counted, on the page, in its title and in the navigation', async () => {
    const { page, admin } = await open(tableOf(two.routes, { problems: [badWeight] }))
    await page.getByRole('main').getByRole('link', { name: '1 problem' }).waitFor()
    await page.getByRole('link', { name: 'Problems 1' }).waitFor()
    await soon(() => page.title(), '(1) Routes - gatehouse')
    admin.push(two)
    await soon(() => page.title(), 'Routes - gatehouse')
    await page.getByRole('link', { name: '1 problem' }).waitFor({ state: 'detached' })
  })
})

describe('changes of the table', () => {
  const changesOf = (after: number, more: Partial<TableChanges> = {}): TableChanges => {
    const { changedAt, registry } = sample
    return { after, sequence: after + 1, version: 58, changedAt, registry, routes: [], gone: [], ...more }
  }

  test('are put into the table that is shown, each at its place', async () => {
    const { page, admin } = await open({ ...sample, sequence: 7 } as TableView)
    await page.getByText('table 57').waitFor()
    const before = await column(page, 'route')
    const fresh = route('api.example.com', '/v1', target({ service: 'old' }))
    admin.pushChanges(changesOf(7, { routes: [fresh], gone: [' api.example.com/'] }))
    await page.getByText('table 58').waitFor()
    expect((await column(page, 'route')).slice(0, 5)).toEqual([
      ...before.slice(0, 3),
      'api.example.com\n/v1',
      before[4],
    ])
    expect(admin.connections()).toBe(1)
  })

  test('that do not follow the table that is shown make the page ask for the whole', async () => {
    const { page, admin } = await open({ ...sample, sequence: 7 } as TableView)
    await page.getByText('table 57').waitFor()
    admin.pushChanges(changesOf(9))
    await soon(() => admin.connections(), 2)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('table 57').waitFor()
  })
})

describe('what people may write into Consul', () => {
  const long = 'x'.repeat(300)
  const hostile = tableOf([
    route(
      `${'a'.repeat(63)}.${'b'.repeat(63)}.example.com`,
      `/${'path/'.repeat(60)}`,
      target({ service: long, tags: [long, `\u202e${long}`, 'twice', 'twice'], instance: `node/${long}` }),
    ),
    route(
      'a.com',
      '/<img src=x onerror=alert(1)>',
      target({
        service: '<script>alert(1)</script>',
        url: 'javascript:alert(1)//',
        reason: `<img src=x onerror=alert(1)> ${long}`,
        health: 'critical',
        options: `<b>${long}`,
      }),
    ),
  ])

  test.each([390, 1280])('is text and fits, at %d px', async (width) => {
    const { page, admin } = await open(hostile, { viewport: { width, height: 844 } })
    page.on('dialog', () => expect.unreachable('something of it was run'))
    await page.getByRole('table').waitFor()
    const wider = () =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(await wider()).toBe(0)
    for (const details of await page.getByRole('button', { name: /details of/ }).all()) {
      await details.click()
      const dialog = page.getByRole('dialog')
      expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
      expect(await wider()).toBe(0)
      expect(await dialog.locator('a[href^="javascript"]').count()).toBe(0)
      await page.keyboard.press('Escape')
    }
    expect(await page.locator('main img, main script, main b.x').count()).toBe(0)
    // A tag that is there twice stays so when the row is drawn anew.
    admin.push({ ...hostile, version: 2 })
    await page.getByText('table 2').waitFor()
    expect(await page.locator('.tag', { hasText: 'twice' }).count()).toBe(2)
  })
})

describe('what passes through', () => {
  test('is dashes until the gateway says, then of this route, with all routes of the instance in its details', async () => {
    const { page, admin } = await open(sample)
    const first = page.locator('tbody tr', { hasText: 'node-1/orders-1' })
    const cells = async (): Promise<string[]> => {
      const names = ['rate', 'errors', 'p50', 'p99', 'inflight']
      return Promise.all(names.map((name) => first.locator(`td.${name}`).innerText()))
    }
    await soon(cells, ['–', '–', '–', '–', '–'])
    admin.pushFigures(sampleFigures)
    await soon(cells, ['12', '0%', '3 ms', '40 ms', '2'])
    await first.locator('td.state').getByRole('button').click()
    const details = page.getByRole('dialog')
    const fact = (name: string) => details.locator('dt', { hasText: name }).locator('+ dd')
    await soon(
      () => fact('Now').innerText(),
      '12 requests a second, 0% errors, half within 3 ms, 99 of 100 within 40 ms, 2 in flight',
    )
    await soon(
      () => fact('All its routes').innerText(),
      '15 requests a second, 0% errors, half within 3 ms, 99 of 100 within 45 ms, 3 in flight',
    )
    await details.getByRole('button', { name: 'Close' }).click()
    admin.pushFigures({ ...sampleFigures, instances: {}, states: {} })
    await soon(cells, ['0', '–', '–', '–', '0'])
  })

  test('shows who is ejected, and until when, and who starts slowly', async () => {
    const { page, admin } = await open(sample)
    await page.getByRole('table').waitFor()
    admin.pushFigures(sampleFigures)
    const state = page.locator('tbody tr', { hasText: 'node-2/orders-2' }).locator('td.state')
    await soon(
      async () =>
        /^passing\s+ejected until 2099-03-0\d \d\d:\d\d:\d\d$/.test((await state.innerText()).trim()),
      true,
    )
    await page.locator('tbody tr', { hasText: 'portal' }).getByText('starting, 25% of its share').waitFor()
    await state.getByRole('button').click()
    await page
      .getByRole('dialog')
      .getByText('5 requests a second, 3.4% errors, half within 3 ms')
      .first()
      .waitFor()
  })
})

describe('the order', () => {
  test('is by host until one asks for another, which is in the URL', async () => {
    const { page, admin } = await open(sample)
    await page.getByRole('table').waitFor()
    admin.pushFigures(sampleFigures)
    const head = page.getByRole('columnheader', { name: 'Errors' })
    await head.getByRole('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    expect(await page.locator('tr.host').count()).toBe(0)
    await soon(async () => (await column(page, 'instance'))[0], '10.0.0.2:8080\nnode-2/orders-2')
    await soon(() => new URL(page.url()).searchParams.get('sort'), 'errors')
    await head.getByRole('button').click()
    expect(await head.getAttribute('aria-sort')).toBe('ascending')
    await soon(() => new URL(page.url()).searchParams.get('sort'), '-errors')
    await page.reload()
    await soon(() => head.getAttribute('aria-sort'), 'ascending')
    await page.getByRole('columnheader', { name: 'Route' }).getByRole('button').click()
    await soon(() => page.locator('tr.host').count(), 4)
    await soon(() => new URL(page.url()).search, '')
  })

  test('follows the figures when they are what it is by', async () => {
    const { page, admin } = await open(sample, { query: '?sort=rate' })
    const first = async (): Promise<string | undefined> => (await column(page, 'instance'))[0]
    await page.getByRole('table').waitFor()
    admin.pushFigures(sampleFigures)
    await soon(first, '10.0.0.1:8080\nnode-1/orders-1')
    const { '10.0.0.2:8080': second } = sampleFigures.instances.orders!
    admin.pushFigures({ ...sampleFigures, instances: { orders: { '10.0.0.2:8080': second! } } })
    await soon(first, '10.0.0.2:8080\nnode-2/orders-2')
  })

  test('can be chosen on a narrow screen', async () => {
    const { page } = await open(sample, { viewport: { width: 390, height: 844 } })
    await page.getByLabel('Sort by').selectOption('by service')
    await soon(async () => (await column(page, 'service')).slice(0, 2), ['hello', 'hello'])
  })
})

describe('the pages', () => {
  test('are reached by links, by the history of the browser, and without loading anything again', async () => {
    const { page } = await open(sample)
    await page.getByRole('table').waitFor()
    await page.evaluate('window.loaded = 1')
    await page.getByRole('link', { name: 'Problems' }).first().click()
    await soon(() => new URL(page.url()).pathname, '/problems')
    const current = page.locator('nav [aria-current=page]')
    expect(await current.innerText()).toMatch(/^Problems/)
    await soon(() => page.evaluate('document.activeElement.tagName'), 'H1')
    await page.goBack()
    await soon(() => current.innerText(), 'Routes')
    expect(await page.evaluate('window.loaded')).toBe(1)
  })

  test('leave out the overrides where nobody may read them', async () => {
    const { page } = await open(sample, { info: { title: '', color: 'red', access: 'ro' } })
    await page.getByText('version 1.2.3').waitFor()
    const names = await page.getByRole('navigation').getByRole('link').allInnerTexts()
    expect(names.map((name) => name.split(/\s/)[0])).toEqual([
      'Routes',
      'Explain',
      'Problems',
      'History',
      'Traffic',
    ])
  })
})

describe('the filter', () => {
  test('narrows as one types, says how many are left, and is kept in the URL', async () => {
    const { page } = await open(sample)
    await page.getByLabel('Filter the routes').pressSequentially('orders CRIT')
    await soon(() => column(page, 'instance'), ['10.0.0.3:8080\nnode-3/orders-3'])
    await soon(() => page.locator('output.shown').textContent(), '1 of 10 rows')
    await soon(() => new URL(page.url()).searchParams.get('filter'), 'orders CRIT')

    await page.reload()
    await soon(() => column(page, 'service'), ['orders'])
    expect(await page.getByLabel('Filter the routes').inputValue()).toBe('orders CRIT')
  })

  test('is taken from the URL, also when one goes back in history', async () => {
    const { page } = await open(sample, { query: '?filter=postgres' })
    await soon(() => column(page, 'service'), ['postgres'])
    await page.evaluate(
      "history.pushState(null, '', '?filter=portal'); dispatchEvent(new PopStateEvent('popstate'))",
    )
    await soon(() => column(page, 'service'), ['portal'])
    await page.goBack()
    await soon(() => column(page, 'service'), ['postgres'])
    expect(await page.getByLabel('Filter the routes').inputValue()).toBe('postgres')
  })

  test('has the focus after /, and is cleared by Escape', async () => {
    const { page } = await open(sample)
    await page.getByRole('table').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('postgres/')
    await page.getByText('No row fits postgres/.').waitFor()
    await page.keyboard.press('Escape')
    await soon(() => column(page, 'service').then((services) => services.length), 10)
    await soon(() => new URL(page.url()).search, '')
  })

  test('that matches nothing says so, and can be cleared there', async () => {
    const { page } = await open(sample, { query: '?filter=no+such' })
    await page.getByText('No row fits all of no such.').waitFor()
    await page.getByRole('button', { name: 'Clear the filter' }).click()
    await soon(() => column(page, 'service').then((services) => services.length), 10)
    expect(await page.evaluate('document.activeElement.id')).toBe('filter')
  })

  test('applies to what arrives later', async () => {
    const { page, admin } = await open(two, { query: '?filter=blue' })
    await page.getByText('No row fits blue.').waitFor()
    admin.push(tableOf([...two.routes, route('', '/c', target({ tags: ['blue'] }))]))
    await soon(() => paths(page), ['/c'])
  })
})

describe('a change', () => {
  test('appears without a reload, marks its rows for a moment, and leaves the others as they are', async () => {
    const { page, admin } = await open(two)
    await soon(() => paths(page), ['/a', '/b'])
    await page.evaluate("window.before = [...document.querySelectorAll('tbody tr')]")
    const critical = target({
      address: '10.0.0.2:8080',
      share: 0,
      routed: false,
      health: 'critical',
      reason: 'refused',
    })
    admin.push(tableOf([two.routes[0]!, route('', '/b', critical)], { version: 2 }))

    await soon(() => column(page, 'state'), ['passing', 'critical\nrefused'])
    const marked = page.locator('tbody tr[class*=changed]')
    expect(await marked.locator('.path').allInnerTexts()).toEqual(['/b'])
    await page.getByText('table 2').waitFor()
    const same = "[...document.querySelectorAll('tbody tr')].every((row, i) => row === window.before[i])"
    expect(await page.evaluate(same)).toBe(true)
    await soon(() => marked.count(), 0)
  })

  test('marks nothing when the first table arrives', async () => {
    const { page } = await open(two)
    await soon(() => paths(page), ['/a', '/b'])
    expect(await page.locator('tbody tr[class*=changed]').count()).toBe(0)
  })

  // Where a browser lacks moveBefore, moving an element takes the focus from it.
  test.each([
    ['10.0.0.1:8080', 'void 0'],
    ['10.0.0.2:8080', 'void 0'],
    ['10.0.0.1:8080', 'delete Element.prototype.moveBefore'],
    ['10.0.0.2:8080', 'delete Element.prototype.moveBefore'],
  ])('leaves the focus on %s when the rows move (%s)', async (name, before) => {
    const { page, admin } = await open(two)
    await page.evaluate(before)
    await page.getByRole('link', { name }).focus()
    admin.push(tableOf([two.routes[1]!, two.routes[0]!], { version: 2 }))
    await soon(() => paths(page), ['/b', '/a'])
    expect(await page.evaluate('document.activeElement.textContent')).toBe(name)
  })

  test.each([
    ['no-preference', 'changed-even'],
    ['reduce', 'none'],
  ] as const)('with reduced motion %s is drawn with the animation %s', async (reducedMotion, animation) => {
    const { page, admin } = await open(two, { reducedMotion })
    await soon(() => paths(page), ['/a', '/b'])
    admin.push(tableOf([...two.routes, route('', '/c', target())], { version: 2 }))
    const marked = page.locator('tbody tr[class*=changed]')
    await marked.waitFor()
    const name = await page.evaluate(
      "getComputedStyle(document.querySelector('tr[class*=changed]')).animationName",
    )
    expect(name).toBe(animation)
  })
})

describe('the details of a row', () => {
  test('open from the keyboard, say everything, follow changes, and give the focus back', async () => {
    const { page, admin } = await open(sample)
    const button = page.getByRole('button', { name: /^critical: details of node-3\/orders-3/ })
    await button.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'orders at api.example.com/v2/orders' })
    await dialog.getByText('503 Service Unavailable Output: no database').waitFor()
    await dialog.getByText('http://10.0.0.3:8080/', { exact: true }).waitFor()
    await dialog.getByText('0.00%, it gets no requests in this state').waitFor()

    admin.push(tableOf([], { version: 58 }))
    await dialog.getByText('It is no longer in the table.').waitFor()
    admin.push({ ...sample, version: 59 })
    await dialog.getByText('It is no longer in the table.').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  test('give the focus back to the row when they close', async () => {
    const { page } = await open(sample)
    const button = page.getByRole('button', { name: /^critical: details of node-3\/orders-3/ })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    expect(focused).toMatch(/^critical: details of node-3\/orders-3/)
  })
})

describe('a page that lost the gateway', () => {
  test.each(['refused', '503'] as const)('says since when, and recovers by itself (%s)', async (how) => {
    const { page, admin, expectComplaint } = await open(two)
    await page.getByText('Live', { exact: true }).waitFor()
    expectComplaint(/ERR_|status of 503/)
    await admin.goAway(how)
    await page.getByText(/^\s*Out of date since \d\d:\d\d:\d\d, reconnecting$/).waitFor()
    expect(await paths(page)).toEqual(['/a', '/b'])
    // The browser does not come back by itself after such an answer.
    if (how === '503') await soon(() => admin.turnedAway() > 0, true)

    admin.push(tableOf([...two.routes, route('', '/c', target())], { version: 2 }))
    await admin.comeBack()
    await soon(() => paths(page), ['/a', '/b', '/c'])
    await page.getByText('Live', { exact: true }).waitFor()
  })

  test('says so when it never had a table', async () => {
    const { page, admin, expectComplaint } = await open(null)
    await page.getByText('Reading the table').waitFor()
    expectComplaint(/ERR_/)
    await admin.goAway('refused')
    await page.getByText(/Not connected to the gateway since \d\d:\d\d:\d\d\./).waitFor()
    admin.push(two)
    await admin.comeBack()
    await soon(() => paths(page), ['/a', '/b'])
  })

  test('does not call itself live after an event that it cannot read', async () => {
    const { page, admin, expectComplaint } = await open(two)
    await page.getByText('Live', { exact: true }).waitFor()
    expectComplaint(/an event of api\/events could not be read/)
    admin.pushText('{"version":')
    await page.getByText(/Out of date since/).waitFor()
    admin.push(two)
    await page.getByText('Live', { exact: true }).waitFor()
  })
})
