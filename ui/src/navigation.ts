import { effect, signal } from '@preact/signals'
import { hrefOf, isPage, type Place, readPlace, withChanges } from './place.ts'

const here = (): Place => readPlace(location.href, document.baseURI)

/** Where the reader is. What it says is in the URL a moment later, and goes there when the reader goes back. */
export const place = signal<Place>(here())

/** Asks whether the reader may leave: something is not saved. Null: nothing holds anybody. */
export const keeper: { asks: (() => boolean) | null } = { asks: null }

const mayLeave = (): boolean => keeper.asks === null || keeper.asks()

// Browsers refuse or drop history changes at the speed of a held key.
const urlQuietForMs = 100

/** Goes to another place, as a link does. */
export function go(href: string): void {
  if (!mayLeave()) return
  writeUrl()
  history.pushState(null, '', new URL(href, document.baseURI))
  arrive(here())
}

/** Another state of the same page: no step back in history leads to the one before. */
export function setQuery(changes: Readonly<Record<string, string | readonly string[]>>): void {
  const now = place.peek()
  place.value = { ...now, query: withChanges(now.query, changes) }
}

/** Begins to keep place and URL the same, and takes over the clicks on links between pages. */
export function startNavigation(): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  effect(() => {
    void place.value
    clearTimeout(timer)
    timer = setTimeout(writeUrl, urlQuietForMs)
  })
  let shown = location.href
  effect(() => {
    shown = new URL(hrefOf(place.value), document.baseURI).href
  })
  addEventListener('popstate', () => {
    if (mayLeave()) arrive(here())
    else history.pushState(null, '', shown)
  })
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest?.('a')
    if (!link || !isOurs(link) || !isPlain(event)) return
    event.preventDefault()
    go(link.href)
  })
  addEventListener('beforeunload', (event) => {
    // The browser asks in its own words.
    if (keeper.asks !== null) event.preventDefault()
  })
}

function arrive(next: Place): void {
  const isOther = next.page !== place.peek().page
  place.value = next
  if (isOther) scrollTo(0, 0)
}

function writeUrl(): void {
  const next = new URL(hrefOf(place.peek()), document.baseURI).href
  if (next !== location.href) history.replaceState(history.state, '', next)
}

const isPlain = (event: MouseEvent): boolean =>
  event.button === 0 &&
  !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented)

/** A link to one of the pages, and not to a file of the API or another window. */
function isOurs(link: HTMLAnchorElement): boolean {
  const root = new URL('.', document.baseURI).href
  if (link.target !== '' || link.hasAttribute('download') || !link.href.startsWith(root)) return false
  return isPage(/^[^/?#]*/.exec(link.href.slice(root.length))![0])
}
