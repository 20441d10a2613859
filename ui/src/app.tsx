import { useComputed, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ExplainPage } from './explain/explain-page.tsx'
import { pageTitle } from './format.ts'
import type { Gateway } from './gateway.ts'
import { Header } from './header.tsx'
import { HistoryPage } from './history/history-page.tsx'
import { place } from './navigation.ts'
import { OverridesPage } from './overrides/overrides-page.tsx'
import { type PageName, pages } from './place.ts'
import { countOf } from './problems/problem-groups.ts'
import { ProblemsPage } from './problems/problems-page.tsx'
import { RoutesPage } from './routes/routes-page.tsx'

/** The frame that all pages share, and the page in it. */
export function App({ gateway }: { gateway: Gateway }) {
  const problems = useComputed(() => countOf(gateway.problems.value, gateway.table.value))
  useSignalEffect(() => {
    document.title = pageTitle(pages[place.value.page], gateway.info.value?.title ?? '', problems.value)
  })
  const { page } = place.value
  useHeadingFocused(page)
  return (
    <>
      <Header info={gateway.info.value} page={page} problems={problems.value} />
      <main>
        <Page key={page} page={page} gateway={gateway} />
      </main>
    </>
  )
}

function Page({ page, gateway }: { page: PageName; gateway: Gateway }) {
  switch (page) {
    case 'explain':
      return <ExplainPage gateway={gateway} />
    case 'history':
      return <HistoryPage gateway={gateway} />
    case 'manual':
      return <OverridesPage gateway={gateway} />
    case 'problems':
      return <ProblemsPage gateway={gateway} />
    default:
      return <RoutesPage gateway={gateway} />
  }
}

/** Who changed the page by the keyboard, or hears it, goes on at its heading. */
function useHeadingFocused(page: string): void {
  const isFirst = useRef(true)
  useEffect(() => {
    if (!isFirst.current) document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
    isFirst.current = false
  }, [page])
}
