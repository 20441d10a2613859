import { useComputed, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ExplainPage } from './explain/explain-page.tsx'
import { pageTitle } from './format.ts'
import type { Gateway } from './gateway.ts'
import { Header } from './header.tsx'
import { focusHeading } from './heading.tsx'
import { HistoryPage } from './history/history-page.tsx'
import { place } from './navigation.ts'
import { OverridesPage } from './overrides/overrides-page.tsx'
import { type PageName, pages } from './place.ts'
import { countOf } from './problems/problem-groups.ts'
import { ProblemsPage } from './problems/problems-page.tsx'
import { RoutesPage } from './routes/routes-page.tsx'
import { TrafficPage } from './traffic/traffic-page.tsx'

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
    case 'traffic':
      return <TrafficPage gateway={gateway} />
    case 'routes':
      return <RoutesPage gateway={gateway} />
  }
}

function useHeadingFocused(page: string): void {
  const isFirst = useRef(true)
  useEffect(() => {
    if (!isFirst.current) focusHeading()
    isFirst.current = false
  }, [page])
}
