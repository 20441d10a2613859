/** One series: its labels and what it is at. */
export interface Labelled<V> {
  readonly labels: Readonly<Record<string, string>>
  readonly value: V
}

export interface HistogramValue {
  /** How many fell between each bound and the one before; one more than there are bounds. */
  readonly buckets: readonly number[]
  readonly sum: number
}

/** Prometheus text format 0.0.4, "text-based format": backslash, quote and line feed are escaped in label values. */
const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))

function labelText(labels: Labelled<unknown>['labels'], more = ''): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  if (more !== '') pairs.push(more)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const heading = (name: string, help: string, type: string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

function plain(name: string, help: string, type: string, series: readonly Labelled<number>[]): string {
  let text = heading(name, help, type)
  for (const { labels, value } of series) text += `${name}${labelText(labels)} ${value}\n`
  return `${text}\n`
}

export const counterText = (name: string, help: string, series: readonly Labelled<number>[]): string =>
  plain(name, help, 'counter', series)

export const gaugeText = (name: string, help: string, series: readonly Labelled<number>[]): string =>
  plain(name, help, 'gauge', series)

/** @param bounds ascending; +Inf is added */
export function histogramText(
  name: string,
  help: string,
  bounds: readonly number[],
  series: readonly Labelled<HistogramValue>[],
): string {
  let text = heading(name, help, 'histogram')
  for (const { labels, value } of series) {
    let total = 0
    for (const [index, count] of value.buckets.entries()) {
      total += count
      const bound = bounds[index]
      text += `${name}_bucket${labelText(labels, `le="${bound ?? '+Inf'}"`)} ${total}\n`
    }
    const own = labelText(labels)
    text += `${name}_sum${own} ${value.sum}\n${name}_count${own} ${total}\n`
  }
  return `${text}\n`
}
