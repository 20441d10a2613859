import type { Breathe } from '../base/world.ts'
import type { MeterLabels } from '../route/meter.ts'
import type { CounterName, GaugeName } from './counters.ts'
import { type Family, families, plainFamilies } from './families.ts'
import { prometheusNames } from './metric-names.ts'
import { numberText, OctetWriter } from './octet-writer.ts'
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
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Of a histogram: which of its lines. */
  readonly part?: 'bucket' | 'sum' | 'count'
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

const serviceLabel = (service: string): string => `service="${escaped(service)}"`

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
    const { bounds } = snapshot
    const width = widthOf(bounds)
    const told = new Cumulation(bounds, this.#buckets)
    const services = servicesOf(snapshot, width)
    const written = <L>({ labels, values }: LabelledRows<L>, textOf: (labels: L) => string): WrittenRows => ({
      values,
      labels: new LabelOctets(labels.length, (index) => textOf(labels[index]!)),
    })
    const serviceRows = written(services, serviceLabel)
    const targetRows = written(snapshot.targets, targetLabels)
    const statusRows = written(snapshot.statuses, statusLabels)
    yield* this.#histograms(families.requests, serviceRows, told, out)
    yield* this.#histograms(families.status, statusRows, told, out)
    yield* this.#column(families.inFlight, serviceRows, width, column.inFlight, out)
    yield* this.#histograms(families.route, targetRows, told, out)
    yield* this.#column(families.routeErrors, targetRows, width, column.errors, out)
    yield* this.#column(families.routeFirstByte, targetRows, width, column.firstByte, out)
    yield* this.#column(families.routeBytes, targetRows, width, column.bytes, out)
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

  *#histograms(
    family: Family,
    { labels, values }: WrittenRows,
    told: Cumulation,
    out: OctetWriter,
  ): Generator<void> {
    const names = new HistogramNames(this.#heading(family, out))
    for (let index = 0; index < labels.size; index++) {
      const at = index * told.width
      told.fill(values, at + firstBucket)
      writeHistogram(names, labels, index, told, values[at + column.duration]!, out)
      yield
    }
    out.octets(lineFeed)
  }

  *#column(
    family: Family,
    { labels, values }: WrittenRows,
    width: number,
    which: number,
    out: OctetWriter,
  ): Generator<void> {
    const start = octetsOf(`${this.#heading(family, out)}{`)
    const isDuration = which === column.firstByte
    for (let index = 0; index < labels.size; index++) {
      out.octets(start)
      labels.write(index, out)
      out.octets(endOfLabels)
      const value = values[index * width + which]!
      if (isDuration) out.seconds(value)
      else out.number(value)
      out.octets(lineFeed)
      yield
    }
    out.octets(lineFeed)
  }

  #phases(
    { bounds, phases: figures }: MetricsSnapshot,
    services: LabelledRows<string>,
    out: OctetWriter,
  ): void {
    const names = new HistogramNames(this.#heading(families.phase, out))
    // Much finer than what fabio's bounds say of whole requests: most phases are short.
    const told = new Cumulation(
      bounds,
      bounds.map((bound) => bound / 1000),
    )
    const labels = new LabelOctets(phases.length + 1, (index) => `phase="${phases[index] ?? 'total'}"`)
    for (const [index, phase] of phases.entries()) {
      told.fill(figures[phase].buckets, 0)
      writeHistogram(names, labels, index, told, figures[phase].sum, out)
    }
    const total = sumOfRows(services, told.width)
    told.fill(total, firstBucket)
    writeHistogram(names, labels, phases.length, told, total[column.duration]!, out)
    out.octets(lineFeed)
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
      for (const { labels, part, value } of list) {
        const full = part === undefined ? name : `${name}_${part}`
        const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escaped(text)}"`)
        out.text(pairs.length === 0 ? `${full} ` : `${full}{${pairs.join(',')}} `)
        out.number(value)
        out.text('\n')
      }
      out.text('\n')
    }
  }
}

const octetsOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf8'))

const lineFeed = octetsOf('\n')
const endOfLabels = octetsOf('} ')
const startOfBound = octetsOf(',le="')

/** Rows whose labels are written in several places. */
interface WrittenRows {
  readonly labels: LabelOctets
  readonly values: Float64Array
}

/** Labels are put together and encoded once, when they are first written, however many lines have them. */
class LabelOctets {
  readonly size: number
  readonly #textOf: (index: number) => string
  #texts = Buffer.allocUnsafeSlow(16 * 1024)
  /** Where each begins, and the end of the last that is there. */
  readonly #starts: Uint32Array
  #known = 0

  constructor(size: number, textOf: (index: number) => string) {
    this.size = size
    this.#textOf = textOf
    this.#starts = new Uint32Array(size + 1)
  }

  write(index: number, out: OctetWriter): void {
    while (this.#known <= index) this.#add()
    out.piece(this.#texts, this.#starts[index]!, this.#starts[index + 1]!)
  }

  #add(): void {
    const start = this.#starts[this.#known]!
    const text = this.#textOf(this.#known)
    // A unit of UTF-16 takes up to three octets of UTF-8.
    const needed = start + text.length * 3
    if (needed > this.#texts.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#texts.length * 2))
      this.#texts.copy(larger, 0, 0, start)
      this.#texts = larger
    }
    this.#known++
    this.#starts[this.#known] = start + this.#texts.write(text, start, 'utf8')
  }
}

/** The beginnings of a histogram's lines. */
class HistogramNames {
  readonly bucket: Uint8Array
  readonly sum: Uint8Array
  readonly count: Uint8Array

  constructor(name: string) {
    this.bucket = octetsOf(`${name}_bucket{`)
    this.sum = octetsOf(`${name}_sum{`)
    this.count = octetsOf(`${name}_count{`)
  }
}

/** HOT: for each series of a scrape. @param duration the sum, milliseconds */
function writeHistogram(
  names: HistogramNames,
  labels: LabelOctets,
  index: number,
  told: Cumulation,
  duration: number,
  out: OctetWriter,
): void {
  const { bounds, counts } = told
  const from = out.size
  out.octets(names.bucket)
  labels.write(index, out)
  out.octets(startOfBound)
  const to = out.size
  for (let i = 0; i < bounds.length; i++) {
    if (i > 0) out.again(from, to)
    out.octets(bounds[i]!)
    out.number(counts[i]!)
    out.octets(lineFeed)
  }
  out.octets(names.sum)
  labels.write(index, out)
  out.octets(endOfLabels)
  out.seconds(duration)
  out.octets(lineFeed)
  out.octets(names.count)
  labels.write(index, out)
  out.octets(endOfLabels)
  out.number(counts[counts.length - 1]!)
  out.octets(lineFeed)
}

/** The buckets that are told, out of all that are counted. */
class Cumulation {
  readonly width: number
  /** With the quote and the brace behind them, +Inf the last. */
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
    this.bounds = [...told, Number.POSITIVE_INFINITY].map((bound) => octetsOf(`${numberText(bound)}"} `))
    this.counts = new Float64Array(told.length + 1)
    this.#covered = [
      ...told.map((bound) => counted.filter((each) => each <= bound * 1000 * (1 + 1e-9)).length),
      counted.length + 1,
    ]
  }

  /** Fills `counts` from the buckets that begin at `at`. */
  fill(values: Float64Array, at: number): void {
    let sum = 0
    let next = 0
    for (let i = 0; i < this.#covered.length; i++) {
      for (const end = this.#covered[i]!; next < end; next++) sum += values[at + next]!
      this.counts[i] = sum
    }
  }
}

/**
 * The rows of one service as one. What is under way is known by target alone: it has no status yet, and a service whose
 * first request hangs has none at all.
 */
function servicesOf({ statuses, targets }: MetricsSnapshot, width: number): LabelledRows<string> {
  const places = new Map<string, number>()
  const see = (service: string): void => {
    if (!places.has(service)) places.set(service, places.size * width)
  }
  const inFlightAt = (index: number): number => targets.values[index * width + column.inFlight]!
  for (const { service } of statuses.labels) see(service)
  for (const [index, { service }] of targets.labels.entries()) if (inFlightAt(index) > 0) see(service)
  const sums = new Float64Array(places.size * width)
  for (const [index, { service }] of statuses.labels.entries()) {
    const place = places.get(service)!
    for (let i = 0; i < width; i++) sums[place + i]! += statuses.values[index * width + i]!
  }
  for (const [index, { service }] of targets.labels.entries()) {
    const place = places.get(service)
    if (place !== undefined) sums[place + column.inFlight]! += inFlightAt(index)
  }
  return { labels: [...places.keys()], values: sums }
}

function sumOfRows({ labels, values }: LabelledRows<string>, width: number): Float64Array {
  const sum = new Float64Array(width)
  for (let at = 0; at < labels.length * width; at += width) {
    for (let i = 0; i < width; i++) sum[i]! += values[at + i]!
  }
  return sum
}
