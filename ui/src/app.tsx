import type { Gateway } from './gateway.ts'
import { Header } from './header.tsx'
import { RoutesPage } from './routes/routes-page.tsx'

/** The frame that all pages share, and the page in it. */
export function App({ gateway }: { gateway: Gateway }) {
  return (
    <>
      <Header info={gateway.info.value} />
      <main>
        <RoutesPage gateway={gateway} />
      </main>
    </>
  )
}
