import { describe, expect, test } from 'vitest'
import { examplesOf, headersIn, queryOf, questionIn } from '../../ui/src/explain/question.ts'
import { withChanges } from '../../ui/src/place.ts'
import { soon } from './in-browser.ts'
import { pagesOnGateway } from './on-gateway.ts'
import { route, sample, tableOf, target } from './tables.ts'

describe('a question', () => {
  test('is read from the query that it makes', () => {
    const question = { url: 'http://a.com/x?y=1', method: 'POST', headers: ['Cookie: a=b', 'X: 1'] }
    expect(questionIn(withChanges(new URLSearchParams(), queryOf(question)))).toEqual(question)
    const plain = { url: 'a.com', method: 'GET', headers: [] }
    const query = withChanges(new URLSearchParams(), queryOf(plain))
    expect([query.toString(), questionIn(query)]).toEqual(['url=a.com', plain])
  })

  test('is none without a URL', () => {
    expect(questionIn(new URLSearchParams('url=+&method=PUT'))).toBeNull()
  })

  test('has a header in each line that is not empty', () => {
    expect(headersIn(' Cookie: a \n\n X: 1')).toEqual(['Cookie: a', 'X: 1'])
  })

  test('may be one of the examples: a path of some hosts, no pattern and no port', () => {
    expect(examplesOf(sample)).toEqual([
      'http://api.example.com/v2/orders',
      'http://mysite.com/foo',
      'http://any.example/old',
    ])
    expect(examplesOf(tableOf([route('*.a.com', '/', target()), route('a.com', '/*.js', target())]))).toEqual(
      [],
    )
  })
})

describe('the page that explains', () => {
  const start = pagesOnGateway()

  test('tells the decision step by step, keeps the question in the URL, and follows the table', async () => {
    const { open, register, put } = await start()
    await register('shop-1', ['urlprefix-shop.com/cart strip=/cart'])
    await register('shop-2', ['urlprefix-shop.com/cart strip=/cart'], 'critical')
    const page = await open('explain')
    await page.getByLabel('URL').fill('http://shop.com/cart/7?a=1')
    await page.getByLabel('Header fields').fill('X-Flag: on')
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: 'Explain' }).click()

    await page.getByText('One instance of shop answers, by way of shop.com/cart').last().waitFor()
    await page.getByRole('heading', { name: 'Which hosts are asked, in this order' }).waitFor()
    await page.getByText('the most specific path that matches', { exact: true }).waitFor()
    const targets = page
      .getByRole('listitem')
      .filter({ has: page.getByText('gatehouse/shop-1') })
      .last()
    await targets.getByText('100.00%').waitFor()
    await targets.getByText('What it is sent').click()
    await targets.getByText('GET /7?a=1 HTTP/1.1').waitFor()
    await targets.getByText('X-Flag: on').waitFor()
    await page.getByText('check "answers" is critical').waitFor()
    const { searchParams } = new URL(page.url())
    expect([searchParams.get('url'), searchParams.get('header')]).toEqual([
      'http://shop.com/cart/7?a=1',
      'X-Flag: on',
    ])

    await put('/v1/agent/check/pass/shop-2', '')
    await page.getByText('One of 2 instances of shop answers').last().waitFor()
    await page.reload()
    await page.getByText('One of 2 instances of shop answers').last().waitFor()
    expect(await page.getByLabel('Header fields').inputValue()).toBe('X-Flag: on')
  })

  test('tells what the gateway itself answers', async () => {
    const { open } = await start()
    const page = await open('explain?url=other.com/x')
    await page.getByText('404 from the gateway itself: no route has it').last().waitFor()
    await page.getByRole('heading', { name: 'No route' }).waitFor()
    await page.getByText('X-Gatehouse-Error: GW_NO_ROUTE').waitFor()
  })

  test('tells who would have to let the request pass, and does not ask', async () => {
    const { open, register } = await start(['-proxy.auth=name=sso;type=forward;url=http://127.0.0.1:9/'])
    await register('shop-1', ['urlprefix-shop.com/ auth=sso'])
    const page = await open('explain?url=http://shop.com/')
    await page.getByRole('heading', { name: 'Who has to let it pass' }).waitFor()
    await page.getByText('auth sso', { exact: true }).waitFor()
    await page.getByText('What it is sent').waitFor()
  })

  test('says what is wrong with a question that cannot be sent, and goes back to the one before', async () => {
    const { open, expectComplaint } = await start()
    expectComplaint(/status of 400/)
    const page = await open('explain?url=other.com/x')
    await page.getByText('404 from the gateway itself').last().waitFor()
    await page.getByLabel('Header fields').fill('no header')
    await page.getByRole('button', { name: 'Explain' }).click()
    const error = page.getByRole('status').filter({ hasText: 'header: expected "Name: value"' })
    await error.waitFor()
    expect(await page.getByRole('heading', { level: 2 }).count()).toBe(0)
    await page.goBack()
    await page.getByText('404 from the gateway itself').last().waitFor()
    await soon(() => page.getByLabel('Header fields').inputValue(), '')
  })

  test('offers routes to begin with', async () => {
    const { open, register } = await start()
    await register('shop-1', ['urlprefix-shop.com/cart'])
    const page = await open('explain')
    await page.getByRole('link', { name: 'http://shop.com/cart' }).click()
    await page.getByText('One instance of shop answers').last().waitFor()
    expect(await page.getByLabel('URL').inputValue()).toBe('http://shop.com/cart')
  })
})
