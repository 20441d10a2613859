import { clean } from '../metric-names.ts'
import { quantileOf, samplesOf } from './durations.ts'
import type { Pushed } from './interval.ts'

/** Plain data. */
export interface NameOptions {
  /** `metrics.prefix` */
  readonly prefix: string
  /** `metrics.separator`: between the prefix and a name; fabio has nothing there (QUIRK-49). */
  readonly separator: string
  /** `metrics.names`: what a route's metric is called. */
  readonly routeName: string
}

/** Makes the lines of one interval. @param seconds since the epoch */
export type Format = (pushed: readonly Pushed[], bounds: readonly number[], seconds: number) => string[]

/** Lines of StatsD for the timings of one series in an interval, at most. */
const mostSamples = 100

/** What StatsD and Graphite read as the end of a name. */
const plainName = (text: string): string => text.replace(/[\s:|@#,]/g, '_')

/** `{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}` (fabio reference 11.3). */
export function routeNames(template: string): (labels: Readonly<Record<string, string>>) => string {
  return ({ service = '', host = '', path = '', target = '' }) =>
    template.replace(
      /\{\{\s*(clean\s+)?\.(Service|Host|Path|TargetURL\.Host)\s*\}\}/g,
      (_all, cleaned: string | undefined, field: string) => {
        const values: Readonly<Record<string, string>> = { Service: service, Host: host, Path: path }
        const value = values[field] ?? (URL.canParse(target) ? new URL(target).host : target)
        return cleaned === undefined ? value : clean(value)
      },
    )
}

/** Names with the labels in them: `http.status.code.200.service.svc-a`; routes by their template. */
export function flatNames({ prefix, separator, routeName }: NameOptions): (pushed: Pushed) => string {
  const ofRoute = routeNames(routeName)
  return ({ name, labels }) => {
    const parts = name === 'route' ? ofRoute(labels) : [name, ...Object.entries(labels).flat()].join('.')
    return plainName(`${prefix}${separator}${parts}`)
  }
}

/**
 * Timings as StatsD has them: one line a value, and a rate where it stands for several. fabio sends each value; here
 * they are those of the buckets, as many lines for each as is its part, so that a server that takes no notice of the
 * rate still finds the right percentiles.
 */
function timings(
  name: string,
  type: string,
  pushed: Pushed & { kind: 'timer' },
  bounds: readonly number[],
  end: string,
): string[] {
  const samples = samplesOf(pushed.counts, pushed.sum, bounds)
  const all = samples.reduce((sum, { count }) => sum + count, 0)
  return samples.flatMap(({ value, count }) => {
    const lines = all <= mostSamples ? count : Math.max(1, Math.round((count / all) * mostSamples))
    const rate = lines === count ? '' : `|@${Number((lines / count).toPrecision(6))}`
    return new Array<string>(lines).fill(`${name}:${value.toFixed(6)}|${type}${rate}${end}`)
  })
}

/** `statsd_raw` */
export function statsd(options: NameOptions): Format {
  const nameOf = flatNames(options)
  return (all, bounds) =>
    all.flatMap((pushed) => {
      const name = nameOf(pushed)
      if (pushed.kind === 'timer') return timings(name, 'ms', pushed, bounds, '')
      return [`${name}:${pushed.value}|${pushed.kind === 'counter' ? 'c' : 'g'}`]
    })
}

/** Tags with a meaning of their own at Datadog (fabio reference 11.3). */
const reserved: ReadonlySet<string> = new Set(['host', 'device', 'source', 'service', 'env', 'version'])

/** `dogstatsd` */
export function dogstatsd({ prefix, separator }: NameOptions): Format {
  return (all, bounds) =>
    all.flatMap((pushed) => {
      const name = plainName(`${prefix}${separator}${pushed.name}`)
      const tags = Object.entries(pushed.labels).map(
        ([key, value]) => `${reserved.has(key) ? `fabio-${key}` : key}:${value.replace(/[\s|,#]/g, '_')}`,
      )
      const end = tags.length === 0 ? '' : `|#${tags.join(',')}`
      if (pushed.kind === 'timer') return timings(name, 'h', pushed, bounds, end)
      return [`${name}:${pushed.value}|${pushed.kind === 'counter' ? 'c' : 'g'}${end}`]
    })
}

const quantiles = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p95', 0.95],
  ['p99', 0.99],
] as const

/** `graphite`: the plain text protocol. Unlike fabio's, what is labelled is whole (QUIRK-50). */
export function graphite(options: NameOptions): Format {
  const nameOf = flatNames(options)
  return (all, bounds, seconds) =>
    all.flatMap((pushed) => {
      const name = nameOf(pushed)
      if (pushed.kind !== 'timer') return [`${name} ${pushed.value} ${seconds}`]
      return [
        ...quantiles.map(
          ([part, q]) => `${name}.${part} ${quantileOf(q, pushed.counts, bounds).toFixed(6)} ${seconds}`,
        ),
        `${name}.count ${pushed.counts.reduce((sum, count) => sum + count, 0)} ${seconds}`,
      ]
    })
}
