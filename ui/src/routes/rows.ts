import { routeName, rowName } from '../../../src/admin/route-name.ts'
import type {
  AddressStateView,
  FiguresView,
  InstanceRatesView,
  RateView,
  RowRatesView,
} from '../../../src/admin/traffic-view.ts'
import type { RouteView, TableView, TargetView } from '../../../src/admin/view.ts'
import { underName } from '../format.ts'

/** One line of the table: an instance below one route. */
export interface Row {
  readonly kind: 'row'
  /** The same line of two tables has the same key; no two lines of one table do. */
  readonly key: string
  /** Empty: any host. */
  readonly host: string
  /** Empty: a TCP port route. */
  readonly path: string
  readonly target: TargetView
  /** Who states it, in a word: `tag`, `override`, `file`. */
  readonly from: string
  /** Under which its figures are found, among those of its instance. */
  readonly figuresKey: string
  /** What the filter looks in, lower-case. */
  readonly text: string
}

/** Of routes that have not changed since the table before, the rows are the same. */
const known = new WeakMap<RouteView, { readonly registry: string; readonly rows: readonly Row[] }>()

/** The table as lines, in the table's order. */
export function rowsOf({ routes, registry: { kind } }: TableView): readonly Row[] {
  return routes.flatMap((route) => {
    const before = known.get(route)
    if (before?.registry === kind) return before.rows
    const rows = rowsOfRoute(route, kind)
    known.set(route, { registry: kind, rows })
    return rows
  })
}

function rowsOfRoute(route: RouteView, registry: string): readonly Row[] {
  const { host, path, targets } = route
  const seen = new Map<string, number>()
  return targets.map((target): Row => {
    const name = [routeName(route), target.service, target.instance, target.url].join('\n')
    // An instance may ask for the same route with two tags that differ in their options only.
    const nth = seen.get(name) ?? 0
    seen.set(name, nth + 1)
    const key = nth === 0 ? name : `${name}\n${nth}`
    const from = fromOf(target.origin, registry)
    const figuresKey = rowName(host, path, target.url, target.address)
    const text = textOf(host, path, target, from)
    return { kind: 'row', key, host, path, target, from, figuresKey, text }
  })
}

/** What people call it: in Consul the commands are overrides, elsewhere they are all there is. */
function fromOf(origin: string, registry: string): string {
  if (origin === 'tag') return origin
  return registry === 'consul' ? 'override' : registry
}

function textOf(host: string, path: string, target: TargetView, from: string): string {
  const { service, instance, address, tags, health, options } = target
  const parts = [host + path, service, instance, address, destinationOf(target), health, options, ...tags]
  if (from !== 'tag') parts.push(from)
  return parts.join('\n').toLowerCase()
}

/** The address where it says all, else the destination with its scheme and path: `https://10.0.0.1:8443`. */
export function destinationOf({ url, address }: TargetView): string {
  return url === `http://${address}/` ? address : url.replace(/\/$/, '')
}

/** Only http(s) destinations are linked: a tag must not be able to put a `javascript:` link on the page. */
export function isLink(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

/** What passes through a row. In flight is what this route has there. */
export interface Passing extends RateView {
  readonly inFlight: number
}

/** What passes through a row, and what traffic has taught about its instance. */
export type RowFigures = Passing & Omit<AddressStateView, 'inFlight'>

const idle: RowRatesView = [0, 0, null, null, 0]
const resting: AddressStateView = { inFlight: 0, failures: 0, ejectedUntil: null, rise: 1, draining: false }

/** Null: nothing can be said yet. */
export function figuresOf(row: Row, figures: FiguresView | null): RowFigures | null {
  if (figures === null) return null
  const { failures, ejectedUntil, rise, draining } = figures.states[row.target.address] ?? resting
  const passing = passingOf(ratesOf(row, figures)?.rows[row.figuresKey] ?? idle)
  return { ...passing, failures, ejectedUntil, rise, draining }
}

/** What passes through the instance of a row, over all its routes. */
export function figuresOfInstance(row: Row, figures: FiguresView | null): Passing | null {
  if (figures === null) return null
  const rates = ratesOf(row, figures)
  const passing = passingOf(rates?.all ?? Object.values(rates?.rows ?? {})[0] ?? idle)
  // Of what is under way, what traffic has taught of the address knows more: also of what was sent there by another name.
  return { ...passing, inFlight: figures.states[row.target.address]?.inFlight ?? passing.inFlight }
}

const ratesOf = ({ target }: Row, { instances }: FiguresView): InstanceRatesView | undefined =>
  underName(instances, target.service)?.[target.address]

const passingOf = ([requests, errors, p50, p99, inFlight]: RowRatesView): Passing => ({
  requests,
  errors,
  p50,
  p99,
  inFlight,
})

/** The keys of the lines that are new in `after` or say something else than in `before`. */
export function changedKeys(before: readonly Row[], after: readonly Row[]): readonly string[] {
  const same = new Set(before)
  const others = after.filter((row) => !same.has(row))
  const old = new Map(before.map((row) => [row.key, row.target]))
  return others
    .filter(({ key, target }) => {
      const was = old.get(key)
      return was === undefined || !sameTarget(was, target)
    })
    .map((row) => row.key)
}

function sameTarget(a: TargetView, b: TargetView): boolean {
  return (
    a.address === b.address &&
    a.share === b.share &&
    a.weight === b.weight &&
    a.options === b.options &&
    a.routed === b.routed &&
    a.health === b.health &&
    a.reason === b.reason &&
    a.tags.join('\n') === b.tags.join('\n')
  )
}

export interface Totals {
  readonly routes: number
  /** Each instance once, however many routes it has. */
  readonly instances: number
  /** Of these, the ones that get no requests because of their health. */
  readonly notRouted: number
}

export function totalsOf(table: TableView): Totals {
  const all = new Set<string>()
  const notRouted = new Set<string>()
  for (const route of table.routes) {
    for (const { instance, routed } of route.targets) {
      all.add(instance)
      if (!routed) notRouted.add(instance)
    }
  }
  return { routes: table.routes.length, instances: all.size, notRouted: notRouted.size }
}
