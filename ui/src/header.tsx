import type { PageInfo } from '../../src/admin/view.ts'
import logo from './logo.svg'
import { type PageName, pages } from './place.ts'

interface HeaderProps {
  readonly info: PageInfo | null
  readonly page: PageName
  /** How many there are; null: not known yet. */
  readonly problems: number | null
}

/** The bar of the page in the operator's colour: which gateway this is, and where one can go. */
export function Header({ info, page, problems }: HeaderProps) {
  return (
    <header class="bar">
      <a class="brand" href="routes">
        <img src={logo} alt="" width="28" height="28" />
        Gatehouse
      </a>
      {info !== null && info.title !== '' && <span class="title">{info.title}</span>}
      {info !== null && (
        <span class="version">
          <span class="word">version </span>
          {info.version}
        </span>
      )}
      <nav aria-label="Pages">
        <ul>
          {(Object.keys(pages) as PageName[])
            // What cannot be read with ui.access = ro needs no link.
            .filter((name) => name !== 'manual' || info?.access !== 'ro')
            .map((name) => (
              <li key={name}>
                <a href={name} aria-current={name === page ? 'page' : undefined}>
                  {pages[name]}
                  {name === 'problems' && problems !== null && problems > 0 && (
                    <>
                      {' '}
                      <span class="count">{problems}</span>
                    </>
                  )}
                </a>
              </li>
            ))}
        </ul>
      </nav>
    </header>
  )
}
