import { splitHostPort } from './addresses.ts'
import { expected, type Kind, orList } from './kind.ts'
import { line, list } from './parsers.ts'

const targets = [
  'prometheus',
  'statsd_raw',
  'dogstatsd',
  'graphite',
  'circonus',
  'stdout',
  'flat',
  'label',
] as const
export type MetricsTarget = (typeof targets)[number]

/** fabio's list (reference 11.1). */
export const metricsTargets: Kind<readonly MetricsTarget[]> = {
  type: `list of ${targets.join(', ')}`,
  parse(text, context) {
    return list.parse(text, context).map((item) => {
      const found = targets.find((target) => target === item)
      if (found !== undefined) return found
      // fabio itself ends there: it was taken away in 1.6.0.
      if (item === 'statsd') throw expected('statsd_raw, which is what fabio calls it', item)
      throw expected(orList(targets), item)
    })
  },
}

/** `host:port`, or empty for none. */
export const hostAndPort: Kind<string> = {
  type: 'host:port',
  parse(text, context) {
    if (text === '') return ''
    const found = splitHostPort(line.parse(text, context).trim())
    if (found === null || found.host === '' || found.port === null || found.port === 0)
      throw expected('an address like 10.0.0.9:8125', text)
    return text.trim()
  },
}

/** The name of a route's metric: a Go template (fabio reference 11.3). */
export const routeMetricName: Kind<string> = {
  type: 'text',
  parse(text, context) {
    const fields = /\{\{\s*(?:clean\s+)?\.(?:Service|Host|Path|TargetURL\.Host)\s*\}\}/g
    const left = line.parse(text, context).replace(fields, '')
    if (text === '' || /\{\{|\}\}/.test(left)) {
      throw expected('text with {{clean .Service}}, .Host, .Path or .TargetURL.Host', text)
    }
    return text
  },
}
