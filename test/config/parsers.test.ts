import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Kind, ValueError } from '../../src/config/kind.ts'
import {
  addressBlocks,
  anyCase,
  bool,
  choice,
  duration,
  floats,
  headerName,
  int,
  line,
  list,
  listOf,
  pagesByStatus,
  pairs,
  parseDuration,
  signedDuration,
  text,
  timeout,
  uint,
} from '../../src/config/parsers.ts'
import { parseContext } from './context.ts'

const read = <T>(kind: Kind<T>, value: string): T => kind.parse(value, parseContext())

/** [what the kind is, kind, text, value or the words of the error] */
type Row = [name: string, kind: Kind<unknown>, value: string, result: unknown]

const status = int({ min: 200, max: 999 })
const status64 = int({ min: 1 })
const strategy = choice(['rr', 'rnd'])
const matcher = choice(['prefix'])
const target = choice(['', 'stdout'])

const good: Row[] = [
  ['blocks', addressBlocks, '', []],
  [
    'blocks',
    addressBlocks,
    ' 10.0.0.0/8, ::1 ,',
    [
      { family: 'ipv4', address: '10.0.0.0', bits: 8 },
      { family: 'ipv6', address: '::1', bits: 128 },
    ],
  ],
  ['pages', pagesByStatus, '', {}],
  ['pages', pagesByStatus, '502=/a.html, 5xx="/b,c.html"', { '502': '/a.html', '5xx': '/b,c.html' }],
  ['text', text, 'route add a /\nroute add b /b', 'route add a /\nroute add b /b'],
  ['text', text, '', ''],
  ['line', line, 'ä "quoted" text ', 'ä "quoted" text '],
  ['int', int(), '42', 42],
  ['int', int(), '-42', -42],
  ['int', int(), '+7', 7],
  ['int', int(), '-0', 0],
  ['int', int(), '0x1F', 31],
  ['int', int(), '-0b101', -5],
  ['int', int(), '0o17', 15],
  ['int', int(), '017', 15],
  ['int', int(), '1_000', 1000],
  ['int', int(), '0x_ff', 255],
  ['int', int(), '0_17', 15],
  ['int', int(), '9007199254740991', Number.MAX_SAFE_INTEGER],
  ['int with a range', status, '200', 200],
  ['int with a range', status, '999', 999],
  ['int with a minimum', status64, '1', 1],
  ['uint', uint, '65000', 65_000],
  ['uint', uint, '0', 0],
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word): Row => ['bool', bool, word, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word): Row => ['bool', bool, word, false]),
  ['list', list, ' a, b ,,c,', ['a', 'b', 'c']],
  ['list', list, '', []],
  ['list of words', listOf(strategy), 'rnd, rr', ['rnd', 'rr']],
  ['floats', floats, '.005, 1,2.5,1e3,-2.', [0.005, 1, 2.5, 1000, -2]],
  ['floats', floats, '', []],
  ['choice', strategy, 'rnd', 'rnd'],
  ['choice', matcher, 'prefix', 'prefix'],
  ['choice with nothing', target, '', ''],
  ['choice in any case', anyCase(['INFO', 'WARN']), 'warn', 'WARN'],
  ['header name', headerName, 'X-Client-IP', 'X-Client-IP'],
  ['header name', headerName, '', ''],
  ['pairs', pairs, 'cs=a;type=file,b', [{ cs: 'a', type: 'file' }, { '': 'b' }]],
  ['signed duration', signedDuration, '-1s', -1000],
  ['signed duration', signedDuration, '9000h', 2 ** 31 - 1],
  ['duration', duration(), '0', 0],
  ['duration', duration(), '1000h', 2 ** 31 - 1],
  ['duration with a minimum', duration('1ms'), '1ms', 1],
  ['timeout', timeout, '15s', 15_000],
  ['timeout', timeout, '-15s', 0],
  ['timeout', timeout, '9000h', 2 ** 31 - 1],
]

const bad: Row[] = [
  [
    'blocks',
    addressBlocks,
    '10.0.0.0/8,x',
    'expected an address or a block like 10.0.0.0/8 or 2001:db8::/32, got "x"',
  ],
  [
    'blocks',
    addressBlocks,
    '10/8',
    'expected an address or a block like 10.0.0.0/8 or 2001:db8::/32, got "10/8"',
  ],
  ...['4=x', '600', '502=', 'xx=a', '5xx'].map((value): Row => {
    const [status, file = ''] = value.includes('=') ? value.split('=') : ['', value]
    const found = JSON.stringify(`${status}=${file}`)
    return [
      'pages',
      pagesByStatus,
      value,
      `expected items like 502=/path/502.html or 5xx=/path/error.html, got ${found}`,
    ]
  }),
  ['pages', pagesByStatus, '502=a,502=b', 'expected each status once, got "502=b"'],
  ['line', line, 'a\nb', 'expected text without control characters, got U+000A at position 2'],
  ['line', line, '\x7f', 'expected text without control characters, got U+007F at position 1'],
  ['int', int(), '', 'expected a whole number, got ""'],
  ['int', int(), '4.2', 'expected a whole number, got "4.2"'],
  ['int', int(), 'half', 'expected a whole number, got "half"'],
  ['int', int(), ' 4', 'expected a whole number, got " 4"'],
  ['int', int(), '08', 'expected a whole number, got "08"'],
  ['int', int(), '1__0', 'expected a whole number, got "1__0"'],
  ['int', int(), '0x', 'expected a whole number, got "0x"'],
  ['int', int(), '9007199254740992', 'expected a whole number, got "9007199254740992"'],
  ['int with a range', status, '199', 'expected a whole number from 200 to 999, got "199"'],
  ['int with a range', status, '1000', 'expected a whole number from 200 to 999, got "1000"'],
  ['int with a minimum', status64, '0', 'expected a whole number of at least 1, got "0"'],
  ['uint', uint, '-1', 'expected a whole number of at least 0 without a sign, got "-1"'],
  ['uint', uint, '+1', 'expected a whole number of at least 0 without a sign, got "+1"'],
  ['bool', bool, 'yes', 'expected true or false, got "yes"'],
  ['bool', bool, 'tRUE', 'expected true or false, got "tRUE"'],
  ['bool', bool, '', 'expected true or false, got ""'],
  ['list of words', listOf(strategy), ' , ', 'expected at least one item, got " , "'],
  ['list of words', listOf(strategy), 'rr,x', 'expected rr or rnd, got "x"'],
  ['floats', floats, '1,x', 'expected numbers like .005,.01,2.5, got "x"'],
  ['floats', floats, '1e999', 'expected numbers like .005,.01,2.5, got "1e999"'],
  ['floats', floats, '0x10', 'expected numbers like .005,.01,2.5, got "0x10"'],
  ['choice', strategy, 'RR', 'expected rr or rnd, got "RR"'],
  ['choice', matcher, 'regex', 'expected prefix, got "regex"'],
  ['choice with nothing', target, 'stderr', 'expected nothing or stdout, got "stderr"'],
  ['choice in any case', anyCase(['INFO', 'WARN']), 'loud', 'expected INFO or WARN, got "loud"'],
  ['header name', headerName, 'X Y', 'expected the name of a header field like X-Client-IP, got "X Y"'],
  [
    'header name',
    headerName,
    'Content-length',
    'expected a header field that does not belong to the connection itself, got "Content-length"',
  ],
  ['pairs', pairs, 'a="b', 'expected a closing ", got "\\"b"'],
  ['duration', duration(), 'fast', 'expected a duration like 500ms or 30s, got "fast"'],
  ['duration', duration(), '-1s', 'expected a duration of at least 0s, got "-1s"'],
  ['duration with a minimum', duration('1ms'), '0', 'expected a duration of at least 1ms, got "0"'],
  ['a long text', bool, 'x'.repeat(200), `expected true or false, got "${'x'.repeat(79)}…"`],
]

test.each(good)('%s reads %2$j', (_, kind, value, result) => {
  expect(read(kind, value)).toEqual(result)
})

test.each(bad)('%s refuses %2$j with %3$s', (_, kind, value, words) => {
  expect(() => read(kind, value)).toThrow(new ValueError(words as string))
})

describe('a Go duration', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['+0', 0],
    ['0s', 0],
    ['300ms', 300],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1.s', 1000],
    ['1m30s', 90_000],
    // Read as the unit "m." once, and no number came of it.
    ['1m.5s', 60_500],
    ['2h45m', 9_900_000],
    ['1h1m1s1ms1us', 3_661_001.001],
    ['1µs', 0.001], // micro sign
    ['1μs', 0.001], // Greek letter
    ['250000ns', 0.25],
    ['-1.5h', -5_400_000],
    ['+5s', 5000],
  ])('%s is %d ms', (value, ms) => {
    expect(parseDuration(value)).toBeCloseTo(ms, 9)
  })

  test.each([
    '',
    '-',
    '3',
    '30',
    's',
    '.s',
    '1.2.3s',
    '1d',
    '1 s',
    ' 1s',
    '1S',
    '1s-2s',
    '1e3s',
    '00',
    '9999999h',
  ])('%j is none', (value) => {
    expect(() => parseDuration(value)).toThrow(
      new ValueError(`expected a duration like 500ms or 30s, got ${JSON.stringify(value)}`),
    )
  })

  test('any sum of units is what its parts add up to', () => {
    const units = [
      ['h', 3_600_000],
      ['m', 60_000],
      ['s', 1000],
      ['ms', 1],
    ] as const
    const part = fc.tuple(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(...units))
    fc.assert(
      fc.property(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 5 }), (isNegative, parts) => {
        const value = (isNegative ? '-' : '') + parts.map(([n, [unit]]) => `${n}${unit}`).join('')
        const ms = parts.reduce((sum, [n, [, factor]]) => sum + n * factor, 0)
        expect(parseDuration(value)).toBe(isNegative ? 0 - ms : ms)
      }),
    )
  })
})

test('no text makes a parser throw anything but a ValueError, and numbers stay in their range', () => {
  const kinds: Kind<unknown>[] = [...good, ...bad].map(([, kind]) => kind)
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'0123456789.+-_xobeE,;="\'\\ numsh\n') }),
  )
  fc.assert(
    fc.property(fc.constantFrom(...kinds), value, (kind, given) => {
      try {
        const result = read(kind, given)
        if (typeof result === 'number') expect(Number.isFinite(result)).toBe(true)
        if (kind === status) expect(result).toSatisfy((n: number) => n >= 200 && n <= 999)
      } catch (error) {
        expect(error).toBeInstanceOf(ValueError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('every whole number reads back as it was printed, in each notation of Go', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (n) => {
      const sign = n < 0 ? '-' : ''
      const size = Math.abs(n)
      for (const given of [`${n}`, `${sign}0x${size.toString(16)}`, `${sign}0b${size.toString(2)}`]) {
        expect(read(int(), given)).toBe(n)
      }
    }),
  )
})
