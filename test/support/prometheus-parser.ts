/** One line of a sample. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const nameOf = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelNameOf = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const numberOf = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/

/**
 * Reads the Prometheus text format 0.0.4 and forgives nothing: families in one piece with help and type before their
 * samples, no series twice, known escapes alone, buckets that grow and end in +Inf with the count. Throws with the line.
 */
export function parsePrometheus(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('expected a line feed at the end')
  const families = new Map<string, ParsedFamily & { samples: Sample[] }>()
  const seen = new Set<string>()
  let help: { name: string; text: string } | null = null
  let current: (ParsedFamily & { samples: Sample[] }) | null = null
  for (const [index, line] of text.slice(0, -1).split('\n').entries()) {
    const fault = (what: string): Error => new Error(`line ${index + 1}: ${what}: ${JSON.stringify(line)}`)
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const [, name = '', words = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? []
      if (!nameOf.test(name)) throw fault('expected a name')
      if (/\\(?![\\n])/.test(words)) throw fault('expected \\\\ and \\n as the only escapes')
      if (families.has(name)) throw fault('a family in two pieces')
      help = { name, text: words }
      current = null
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] =
        /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? []
      if (!nameOf.test(name)) throw fault('expected a name and a known type')
      if (help?.name !== name) throw fault('expected HELP of the same name before it')
      current = { name, type, help: help.text, samples: [] }
      families.set(name, current)
    } else if (line.startsWith('#')) throw fault('expected HELP or TYPE')
    else {
      const sample = parseSample(line, fault)
      if (current === null) throw fault('a sample without a family')
      if (!belongs(sample.name, current)) throw fault(`a sample that is not of ${current.name}`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (seen.has(key)) throw fault('a series twice')
      seen.add(key)
      current.samples.push(sample)
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

function belongs(name: string, { name: family, type }: ParsedFamily): boolean {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'].some((end) => name === family + end)
  if (type === 'summary') return name === family || name === `${family}_sum` || name === `${family}_count`
  return name === family
}

function parseSample(line: string, fault: (what: string) => Error): Sample {
  const [, name = '', rest = ''] = /^([^{ ]+)(.*)$/.exec(line) ?? []
  if (!nameOf.test(name)) throw fault('expected a name')
  const labels: Record<string, string> = {}
  let at = 0
  if (rest[0] === '{') {
    at = 1
    while (rest[at] !== '}') {
      const equals = rest.indexOf('=', at)
      const label = rest.slice(at, equals)
      if (!labelNameOf.test(label)) throw fault('expected a label name')
      if (Object.hasOwn(labels, label)) throw fault(`label ${label} twice`)
      if (rest[equals + 1] !== '"') throw fault('expected a quoted value')
      let value = ''
      at = equals + 2
      for (; rest[at] !== '"'; at++) {
        if (at >= rest.length) throw fault('expected the end of a value')
        if (rest[at] !== '\\') value += rest[at]
        else {
          const escaped = { '\\': '\\', '"': '"', n: '\n' }[rest[++at] ?? '']
          if (escaped === undefined) throw fault('expected a known escape')
          value += escaped
        }
      }
      labels[label] = value
      at++
      if (rest[at] === ',') at++
      else if (rest[at] !== '}') throw fault('expected , or }')
    }
    at++
  }
  const number = rest.slice(at)
  if (number[0] !== ' ' || !numberOf.test(number.slice(1))) throw fault('expected a space and a number')
  const value = Number(number.slice(1).replace('Inf', 'Infinity'))
  return { name, labels, value }
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const series = new Map<
    string,
    { bounds: number[]; counts: number[]; sum: number | null; count: number | null }
  >()
  for (const { name: part, labels, value } of samples) {
    const { le, ...own } = labels
    const key = JSON.stringify(Object.entries(own).sort())
    const each = series.get(key) ?? { bounds: [], counts: [], sum: null, count: null }
    series.set(key, each)
    if (part === `${name}_bucket`) {
      if (le === undefined) throw new Error(`${name}: a bucket without le`)
      each.bounds.push(Number(le.replace('Inf', 'Infinity')))
      each.counts.push(value)
    } else if (part === `${name}_sum`) each.sum = value
    else each.count = value
  }
  for (const [key, { bounds, counts, sum, count }] of series) {
    const fault = (what: string): Error => new Error(`${name}${key}: ${what}`)
    if (bounds.some((bound, i) => i > 0 && !(bound > bounds[i - 1]!))) throw fault('bounds do not ascend')
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw fault('the last bound is not +Inf')
    if (counts.some((each, i) => i > 0 && each < counts[i - 1]!)) throw fault('buckets are not cumulative')
    if (sum === null || count === null) throw fault('no sum or no count')
    if (counts.at(-1) !== count) throw fault('the bucket +Inf is not the count')
  }
}

/** The value of one series; undefined: there is none. `sampleOf(text, 'a_count', { service: 'web' })` */
export function sampleOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort())
  for (const { samples } of families.values()) {
    for (const sample of samples) {
      if (sample.name !== name) continue
      if (JSON.stringify(Object.entries(sample.labels).sort()) === wanted) return sample.value
    }
  }
  return undefined
}
