import type { Breathe } from '../base/world.ts'
import type { MeterLabels } from '../route/meter.ts'
import type { CounterName, GaugeName } from './counters.ts'
import { type Family, families, plainFamilies } from './families.ts'
import { prometheusNames } from './metric-names.ts'
import { boundOctets, OctetWriter } from './octet-writer.ts'
import { column, firstBucket, type LabelledRows, widthOf } from './rows.ts'
import { type MetricsSnapshot, phases, type StatusLabels } from './snapshot.ts'

export interface PrometheusOptions {
  /** `metrics.prefix` */
  readonly prefix: string
  /** `metrics.prometheus.subsystem`; empty: none. */
  readonly subsystem: string
  /** `metrics.prometheus.buckets`: upper bounds, seconds; each of them is one of the snapshots' bounds. */
  readonly buckets: readonly number[]
}

/** One figure that somebody else knows, read when somebody asks. */
export interface Figure {
  /** Without the prefix. */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  /** Absent: none. */
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** What the answer says it is. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** Octets that are written between two breaths: less than a millisecond of work. */
const chunkSize = 256 * 1024

/** Text format 0.0.4: backslash, quote and line feed are escaped in label values. */
const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`)) : value

const targetLabels = ({ service, host, path, url }: MeterLabels): string =>
  `service="${escaped(service)}",host="${escaped(host)}",path="${escaped(path)}",target="${escaped(url)}"`

const statusLabels = ({ status, service }: StatusLabels): string =>
  `code="${status}",service="${escaped(service)}"`

/** Writes the text that Prometheus reads. */
export class PrometheusText {
  readonly #name: (name: string) => string
  readonly #buckets: readonly number[]

  constructor({ prefix, subsystem, buckets }: PrometheusOptions) {
    this.#name = prometheusNames(prefix, subsystem)
    this.#buckets = [...new Set(buckets)].filter(Number.isFinite).sort((a, b) => a - b)
  }

  /**
   * The text in pieces, with time for others between two of them: with 20,000 instances it is 25 MB.
   *
   * @param more lines that somebody else has written
   * @param breathe lets everything else go on
   */
  async *write(
    snapshot: MetricsSnapshot,
    figures: readonly Figure[],
    more: string,
    breathe: Breathe,
  ): AsyncGenerator<Buffer> {
    const writer = new OctetWriter(chunkSize)
    for (const _ of this.#all(snapshot, figures, writer)) {
      if (!writer.isFull) continue
      yield writer.take()
      await breathe()
    }
    writer.text(more)
    yield writer.take()
  }

  /** Pauses after each series. */
  *#all(snapshot: MetricsSnapshot, figures: readonly Figure[], out: OctetWriter): Generator<void> {
    const { bounds, targets, statuses } = snapshot
    const told = new Cumulation(bounds, this.#buckets)
    const services = servicesOf(statuses, widthOf(bounds))
    const width = widthOf(bounds)
    // Six series have the same labels: their text is put together once.
    const targetTexts: string[] = []
    const targetText = (labels: MeterLabels, index: number): string =>
      (targetTexts[index] ??= targetLabels(labels))
    yield* this.#histograms(
      families.requests,
      services,
      told,
      (service) => `service="${escaped(service)}"`,
      out,
    )
    yield* this.#histograms(families.status, statuses, told, statusLabels, out)
    yield* this.#histograms(families.route, targets, told, targetText, out)
    yield* this.#column(families.routeErrors, targetTexts, targets.values, width, column.errors, 1, out)
    yield* this.#column(families.routeInFlight, targetTexts, targets.values, width, column.inFlight, 1, out)
    yield* this.#column(families.routeWait, targetTexts, targets.values, width, column.wait, 1000, out)
    yield* this.#column(
      families.routeFirstByte,
      targetTexts,
      targets.values,
      width,
      column.firstByte,
      1000,
      out,
    )
    yield* this.#column(families.routeBytes, targetTexts, targets.values, width, column.bytes, 1, out)
    this.#phases(snapshot, services, out)
    this.#byLabel(families.redirects, snapshot.redirects, out)
    this.#byLabel(families.failures, snapshot.failures, out)
    this.#byLabel(families.refused, snapshot.refused, out)
    for (const family of plainFamilies.counters)
      this.#plain(family, snapshot.counts[family.key as CounterName], out)
    for (const family of plainFamilies.gauges)
      this.#plain(family, snapshot.counts[family.key as GaugeName], out)
    this.#figures(figures, out)
  }

  /** Writes what stands before the series; returns the name. */
  #heading({ name, kind, help }: Pick<Family, 'name' | 'kind' | 'help'>, out: OctetWriter): string {
    const full = this.#name(name)
    out.text(`# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n`)
    return full
  }

  *#histograms<L>(
    family: Family,
    { labels, values }: LabelledRows<L>,
    told: Cumulation,
    textOf: (labels: L, index: number) => string,
    out: OctetWriter,
  ): Generator<void> {
    const name = this.#heading(family, out)
    const { width } = told
    for (let index = 0; index < labels.length; index++) {
      const at = index * width
      writeHistogram(
        name,
        textOf(labels[index]!, index),
        told,
        values,
        at + firstBucket,
        values[at + column.duration]!,
        out,
      )
      yield
    }
    out.text('\n')
  }

  *#column(
    family: Family,
    labels: readonly string[],
    values: Float64Array,
    width: number,
    which: number,
    divisor: number,
    out: OctetWriter,
  ): Generator<void> {
    const name = this.#heading(family, out)
    for (let index = 0; index < labels.length; index++) {
      out.text(`${name}{${labels[index]!}} `)
      out.number(values[index * width + which]! / divisor)
      out.text('\n')
      yield
    }
    out.text('\n')
  }

  #phases(
    { bounds, phases: figures }: MetricsSnapshot,
    services: LabelledRows<string>,
    out: OctetWriter,
  ): void {
    const name = this.#heading(families.phase, out)
    // Much finer than what fabio's bounds say of whole requests: most phases are short.
    const told = new Cumulation(
      bounds,
      bounds.map((bound) => bound / 1000),
    )
    for (const phase of phases) {
      const { sum, buckets } = figures[phase]
      writeHistogram(name, `phase="${phase}"`, told, buckets, 0, sum, out)
    }
    const total = sumOfRows(services, told.width)
    writeHistogram(name, 'phase="total"', told, total, firstBucket, total[column.duration]!, out)
    out.text('\n')
  }

  #byLabel(family: Family, counts: Readonly<Record<string, number>>, out: OctetWriter): void {
    const name = this.#heading(family, out)
    for (const [key, count] of Object.entries(counts)) {
      out.text(`${name}{${family.labels[0]}="${escaped(key)}"} `)
      out.number(count)
      out.text('\n')
    }
    out.text('\n')
  }

  #plain(family: Family, value: number, out: OctetWriter): void {
    out.text(`${this.#heading(family, out)} `)
    out.number(value)
    out.text('\n\n')
  }

  /** Those of one name belong together, wherever they stand in the list. */
  #figures(figures: readonly Figure[], out: OctetWriter): void {
    const byName = new Map<string, Figure[]>()
    for (const figure of figures) {
      const list = byName.get(figure.name)
      if (list === undefined) byName.set(figure.name, [figure])
      else list.push(figure)
    }
    for (const list of byName.values()) {
      const name = this.#heading(list[0]!, out)
      for (const { labels, value } of list) {
        const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escaped(text)}"`)
        out.text(pairs.length === 0 ? `${name} ` : `${name}{${pairs.join(',')}} `)
        out.number(value)
        out.text('\n')
      }
      out.text('\n')
    }
  }
}

/** The buckets that are told, out of all that are counted. */
class Cumulation {
  readonly width: number
  /** As they are written, +Inf the last. */
  readonly bounds: readonly Uint8Array[]
  readonly counts: Float64Array
  /** For each told bound, how many of the counted buckets it covers. */
  readonly #covered: readonly number[]

  /**
   * @param counted milliseconds
   * @param told seconds
   */
  constructor(counted: readonly number[], told: readonly number[]) {
    this.width = widthOf(counted)
    this.bounds = [...told, Number.POSITIVE_INFINITY].map(boundOctets)
    this.counts = new Float64Array(told.length + 1)
    this.#covered = [
      ...told.map((bound) => counted.filter((each) => each <= bound * 1000 * (1 + 1e-9)).length),
      counted.length + 1,
    ]
  }

  /** Fills `counts` from the buckets that begin at `at`; returns the number of all. */
  fill(values: Float64Array, at: number): number {
    let sum = 0
    let next = 0
    for (let i = 0; i < this.#covered.length; i++) {
      for (const end = this.#covered[i]!; next < end; next++) sum += values[at + next]!
      this.counts[i] = sum
    }
    return sum
  }
}

/** @param duration the sum, milliseconds */
function writeHistogram(
  name: string,
  labels: string,
  told: Cumulation,
  values: Float64Array,
  at: number,
  duration: number,
  out: OctetWriter,
): void {
  const count = told.fill(values, at)
  out.buckets(`${name}_bucket{${labels},le="`, told.bounds, told.counts)
  out.text(`${name}_sum{${labels}} `)
  out.number(duration / 1000)
  out.text(`\n${name}_count{${labels}} `)
  out.number(count)
  out.text('\n')
}

/** The rows of one service as one. */
function servicesOf({ labels, values }: LabelledRows<StatusLabels>, width: number): LabelledRows<string> {
  const names: string[] = []
  const places = new Map<string, number>()
  const sums = new Float64Array(values.length)
  for (let index = 0; index < labels.length; index++) {
    const { service } = labels[index]!
    let place = places.get(service)
    if (place === undefined) {
      place = names.length * width
      places.set(service, place)
      names.push(service)
    }
    for (let i = 0; i < width; i++) sums[place + i]! += values[index * width + i]!
  }
  return { labels: names, values: sums.subarray(0, names.length * width) }
}

function sumOfRows({ labels, values }: LabelledRows<string>, width: number): Float64Array {
  const sum = new Float64Array(width)
  for (let at = 0; at < labels.length * width; at += width) {
    for (let i = 0; i < width; i++) sum[i]! += values[at + i]!
  }
  return sum
}
