import type { UiInfo } from './gateway.ts'
import logo from './logo.svg'

/** The bar of the page in the operator's colour: which gateway this is. */
export function Header({ info }: { info: UiInfo | null }) {
  return (
    <header class="bar">
      <a class="brand" href="routes">
        <img src={logo} alt="" width="28" height="28" />
        Gatehouse
      </a>
      {info !== null && info.title !== '' && <span class="title">{info.title}</span>}
      {info !== null && <span class="version">version {info.version}</span>}
    </header>
  )
}
