import type { Page } from 'playwright-core'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { soon } from './in-browser.ts'
import { type OnGateway, pagesOnGateway } from './on-gateway.ts'

const start = pagesOnGateway()

const editor = (page: Page) => page.getByRole('textbox', { name: /^Route commands of / })
const diffOf = (page: Page, inside = page.locator('body')): Promise<string[]> =>
  inside
    .locator('.diff li')
    .allTextContents()
    .then((texts) => texts.map((text) => text.trim()))

/** What the gateway has under a key. */
async function saved({ gateway }: OnGateway, key = ''): Promise<{ value: string; version: string }> {
  const answer = await request(`${gateway.adminUrl}/api/manual${key}`)
  return (await answer.body.json()) as { value: string; version: string }
}

async function shop(flags: readonly string[] = []): Promise<OnGateway> {
  const stage = await start(flags)
  await stage.register('shop-1', ['urlprefix-shop.com/'])
  return stage
}

describe('the editor of overrides', () => {
  test('says what is wrong as one types, and leads to the line', async () => {
    const { open } = await shop()
    const page = await open('manual')
    await editor(page).fill(
      'route add cart cart.com/ http://10.0.0.9:1/\n\nroute ad cart\nroute weight x /y weight 1',
    )
    const mistakes = page.locator('.mistakes')
    await mistakes.getByText('2 lines are not served as written').waitFor()
    await mistakes.getByText('expected "route add", "route del" or "route weight", got "route ad"').waitFor()
    await mistakes.getByText('expected a target of service x at /y, found none').waitFor()
    expect(await page.locator('.code-line.refused').innerText()).toMatch(/^3\s*route ad cart/)
    expect(await page.locator('.code-line.doubtful').innerText()).toMatch(/^4\s*route weight/)
    expect(await editor(page).getAttribute('aria-invalid')).toBe('true')

    await page.getByRole('button', { name: 'line 3' }).click()
    await page.keyboard.type(' +')
    expect(await editor(page).inputValue()).toContain('\nroute ad cart +\n')
    await editor(page).fill('route add cart cart.com/ http://10.0.0.9:1/')
    await soon(() => mistakes.getByRole('button').count(), 0)
  })

  test('paints the text where it stands: line for line, letter for letter', async () => {
    const { open } = await shop()
    const page = await open('manual')
    await editor(page).fill('# a note\nroute add shop-old old.example.com/ http://10.0.0.1:1/ tags "a,b"')
    await page.getByText('old.example.com/').first().waitFor()
    const same = await page.evaluate<[number, number, string, string]>(`(() => {
      const [paint, field] = [document.querySelector('.paint'), document.querySelector('#code')]
      const [a, b] = [getComputedStyle(paint.querySelector('code')), getComputedStyle(field)]
      const left = paint.querySelector('code').getBoundingClientRect().left - field.getBoundingClientRect().left
      return [left, parseFloat(b.paddingLeft), a.font, b.font]
    })()`)
    expect(Math.abs(same[0] - same[1])).toBeLessThan(0.6)
    expect(same[2]).toBe(same[3])
    const widths = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.code-line:nth-child(2) code span')].map((s) => s.getBoundingClientRect().width / s.textContent.length)`,
    )
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThan(0.05)
  })

  test('shows before saving what the text would change, in the routes and in itself, and saves then', async () => {
    const stage = await shop()
    const page = await stage.open('manual/team-a')
    await page.getByText('not there yet').waitFor()
    await editor(page).fill('route weight shop shop.com/ weight 0.25')
    const effect = page.getByRole('region', { name: 'What saving would change in the routes' })
    await soon(
      () => diffOf(page, effect),
      [
        '−removed: route add shop shop.com/ http://10.0.0.1:8080/',
        '+added: route add shop shop.com/ http://10.0.0.1:8080/ weight 0.25',
      ],
    )
    expect(await saved(stage, '/team-a')).toEqual({ value: '', version: '0' })

    await page.keyboard.press('Control+s')
    const review = page.getByRole('dialog', { name: 'Save team-a?' })
    await review.getByText('weight 0.25').last().waitFor()
    expect((await diffOf(page, review)).at(-1)).toBe('+added: route weight shop shop.com/ weight 0.25')
    await review.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    expect((await saved(stage, '/team-a')).value).toBe('route weight shop shop.com/ weight 0.25')
    await page.getByRole('navigation', { name: 'Documents' }).getByRole('link', { name: 'team-a' }).waitFor()
    await soon(() => page.getByRole('button', { name: 'Review and save' }).isDisabled(), true)
  })

  test('goes back to editing from the review, and nothing is saved', async () => {
    const stage = await shop()
    const page = await stage.open('manual')
    await editor(page).fill('route del shop')
    await page.getByRole('button', { name: 'Review and save' }).click()
    await page.getByRole('button', { name: 'Go on editing' }).click()
    expect(await editor(page).inputValue()).toBe('route del shop')
    await page.getByRole('button', { name: 'Undo all' }).click()
    expect([await editor(page).inputValue(), (await saved(stage)).version]).toEqual(['', '0'])
  })

  test('saves lines that are no commands only when one insists', async () => {
    const stage = await shop()
    const page = await stage.open('manual')
    await editor(page).fill('route ad shop')
    await page.getByRole('button', { name: 'Review and save' }).click()
    const save = page.getByRole('dialog').getByRole('button', { name: 'Save' })
    const insist = page.getByLabel('Save it with 1 line that is no command')
    await insist.waitFor()
    expect(await save.isDisabled()).toBe(true)
    await insist.check()
    await save.click()
    await page.getByText('Saved', { exact: true }).waitFor()
    expect((await saved(stage)).value).toBe('route ad shop')
  })
})

describe('somebody else', () => {
  test('who saved meanwhile is never overwritten: the conflict is shown, and mine goes on top of theirs', async () => {
    const stage = await shop()
    stage.expectComplaint(/status of 409/)
    await stage.put('/v1/kv/fabio/config', 'route add a a.com/ http://10.0.0.9:1/')
    const page = await stage.open('manual')
    await soon(() => editor(page).inputValue(), 'route add a a.com/ http://10.0.0.9:1/')
    // From here on the page is blind: it must not learn of the other text before it saves.
    await page.route('**/api/manual', (route) =>
      route.request().method() === 'GET' ? route.abort() : route.continue(),
    )
    stage.expectComplaint(/ERR_FAILED/)
    await editor(page).fill('route add mine mine.com/ http://10.0.0.9:1/')
    await stage.put('/v1/kv/fabio/config', 'route add theirs theirs.com/ http://10.0.0.9:1/')
    await page.getByRole('button', { name: 'Review and save' }).click()
    await page.unroute('**/api/manual')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()

    const conflict = page.getByRole('region', { name: 'Somebody else has saved this document' })
    await conflict.waitFor()
    expect((await saved(stage)).value).toBe('route add theirs theirs.com/ http://10.0.0.9:1/')
    expect(await editor(page).inputValue()).toBe('route add mine mine.com/ http://10.0.0.9:1/')
    expect(await diffOf(page, conflict)).toEqual([
      '−removed: route add a a.com/ http://10.0.0.9:1/',
      '+added: route add theirs theirs.com/ http://10.0.0.9:1/',
      '−removed: route add theirs theirs.com/ http://10.0.0.9:1/',
      '+added: route add mine mine.com/ http://10.0.0.9:1/',
    ])
    expect(await page.getByRole('button', { name: 'Review and save' }).isDisabled()).toBe(true)

    await conflict.getByRole('button', { name: 'Go on with mine, on top of theirs' }).click()
    await conflict.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Review and save' }).click()
    const review = page.getByRole('dialog')
    await review.getByText('removed: route add theirs').last().waitFor()
    await review.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    expect((await saved(stage)).value).toBe('route add mine mine.com/ http://10.0.0.9:1/')
  })

  test('is noticed while one writes, and theirs can be taken', async () => {
    const stage = await shop()
    const page = await stage.open('manual')
    await editor(page).fill('# mine')
    await stage.put('/v1/kv/fabio/config', 'route add theirs theirs.com/ http://10.0.0.9:1/')
    await page.getByRole('button', { name: 'Take theirs and drop mine' }).click()
    expect(await editor(page).inputValue()).toBe('route add theirs theirs.com/ http://10.0.0.9:1/')
  })

  test('is followed where nothing was written here', async () => {
    const stage = await shop()
    const page = await stage.open('manual')
    await editor(page).waitFor()
    await stage.put('/v1/kv/fabio/config', '# theirs\nroute del shop')
    await soon(() => editor(page).inputValue(), '# theirs\nroute del shop')
    await page.getByText('Somebody else has saved this document: this is the new text').waitFor()
  })
})

describe('the documents', () => {
  test('are listed, a new one is opened by its name, and what is not saved is not left unasked', async () => {
    const stage = await shop()
    await stage.put('/v1/kv/fabio/config/team-b', 'route del shop')
    const page = await stage.open('manual')
    const documents = page.getByRole('navigation', { name: 'Documents' })
    await documents.getByRole('link', { name: 'team-b' }).waitFor()
    await page.getByLabel('Name of a new document').fill('x//y')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('expected a name, or names with one / between them').waitFor()
    await page.getByLabel('Name of a new document').fill('team c/x')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { name: 'team c/x' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/manual/team%20c/x')

    await editor(page).fill('# mine')
    await soon(() => page.getByText('changed and not saved').count(), 1)
    page.once('dialog', (dialog) => void dialog.dismiss())
    await documents.getByRole('link', { name: 'team-b' }).click()
    expect(await editor(page).inputValue()).toBe('# mine')
    page.once('dialog', (dialog) => void dialog.accept())
    await documents.getByRole('link', { name: 'team-b' }).click()
    await soon(() => editor(page).inputValue(), 'route del shop')
  })

  test('are neither shown nor written with ui.access = ro', async () => {
    const stage = await shop(['-ui.access', 'ro'])
    const page = await stage.open('routes')
    await page.getByText('version').waitFor()
    // As somebody comes here who follows an old link within the page.
    await page.evaluate("history.pushState(null, '', 'manual'); dispatchEvent(new PopStateEvent('popstate'))")
    await page.getByText('Read only').waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
  })

  test('are said to be none where the registry keeps none', async () => {
    const stage = await start([
      '-registry.backend',
      'static',
      '-registry.static.routes',
      'route add a / http://a/',
    ])
    const page = await stage.open('manual')
    await page.getByText('No overrides here').waitFor()
  })
})
