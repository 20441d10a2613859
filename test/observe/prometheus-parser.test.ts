import { describe, expect, test } from 'vitest'
import { parsePrometheus, sampleOf } from '../support/prometheus-parser.ts'

// The parser judges what the gateway writes, so it is judged first.

const head = '# HELP a words\n# TYPE a counter\n'
const histogram = '# HELP h words\n# TYPE h histogram\n'

describe('the parser of the tests', () => {
  test('reads names, labels, escapes and numbers', () => {
    const families = parsePrometheus(`${head}a{x="q\\"b\\\\n\\nl",y=""} 1.5e3\na 2\n`)
    expect(families.get('a')!.samples).toEqual([
      { name: 'a', labels: { x: 'q"b\\n\nl', y: '' }, value: 1500 },
      { name: 'a', labels: {}, value: 2 },
    ])
    expect(sampleOf(families, 'a')).toBe(2)
  })

  test.each([
    ['no line feed at the end', `${head}a 1`],
    ['a sample without a family', 'a 1\n'],
    ['a type without help', '# TYPE a counter\na 1\n'],
    ['an unknown type', '# HELP a b\n# TYPE a number\na 1\n'],
    ['a name with a dash', '# HELP a-b c\n# TYPE a-b counter\na-b 1\n'],
    ['a sample of another family', `${head}b 1\n`],
    ['a series twice', `${head}a{x="1"} 1\na{x="1"} 2\n`],
    ['a family in two pieces', `${head}a 1\n# HELP b c\n# TYPE b gauge\nb 1\n${head}a{x="1"} 1\n`],
    ['an unknown escape', `${head}a{x="\\t"} 1\n`],
    ['a label twice', `${head}a{x="1",x="2"} 1\n`],
    ['a value that is no number', `${head}a one\n`],
    ['a number in two parts', `${head}a 1 2 3\n`],
    ['two spaces', `${head}a  1\n`],
    ['a histogram without +Inf', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
    ['buckets that shrink', `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
    ['a count that is not the last bucket', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
    ['a histogram without its sum', `${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`],
  ])('refuses %s', (_what, text) => {
    expect(() => parsePrometheus(text)).toThrow()
  })
})
