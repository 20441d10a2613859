import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ValueError } from '../../src/config/kind.ts'
import { parsePairs } from '../../src/config/pairs.ts'

const read = (source: string): Record<string, string>[] =>
  parsePairs(source).map((map) => Object.fromEntries(map))

// The first rows are fabio reference 17.5.
test.each<[source: string, maps: Record<string, string>[]]>([
  ['', []],
  ['k=v', [{ k: 'v' }]],
  [' k =v', [{ k: 'v' }]],
  ['k="v"', [{ k: 'v' }]],
  ['k="v\\\\\\""', [{ k: 'v\\"' }]],
  [',k=v', [{ k: 'v' }]],
  ['k=v,', [{ k: 'v' }]],
  [';k=v', [{ k: 'v' }]],
  ['k=v;', [{ k: 'v' }]],
  [
    'k=v;l=w,m=x;n=y',
    [
      { k: 'v', l: 'w' },
      { m: 'x', n: 'y' },
    ],
  ],
  ['v', [{ '': 'v' }]],
  ['v;l=w', [{ '': 'v', l: 'w' }]],
  ['v,w', [{ '': 'v' }, { '': 'w' }]],
  ['k=v=w;l=x=y', [{ k: 'v=w', l: 'x=y' }]],

  ["k='v'", [{ k: 'v' }]],
  ['k=\'a;b,c="d"\'', [{ k: 'a;b,c="d"' }]],
  ['c="0xc00a,0xc02b";d=1', [{ c: '0xc00a,0xc02b', d: '1' }]],
  ['"a,b";k=v', [{ '': 'a,b', k: 'v' }]],
  ['k= "v" ', [{ k: ' "v" ' }]],
  ['k=a="b"', [{ k: 'a=b' }]],
  ['k="a" b', [{ k: 'a b' }]],
  ['k=', [{ k: '' }]],
  ['k', [{ '': 'k' }]],
  ['k=1;k=2', [{ k: '2' }]],
  [' , ;; ,', []],
  ['k="\\a\\b\\f\\n\\r\\t\\v\\\\"', [{ k: '\x07\b\f\n\r\t\v\\' }]],
  ['k="\\101\\x42\\u00e9\\U0001F600\\303\\251"', [{ k: 'ABé😀é' }]],
  ["k='\\''", [{ k: "'" }]],
  ['__proto__=v', [Object.fromEntries([['__proto__', 'v']])]],
])('%j is read', (source, maps) => {
  expect(read(source)).toEqual(maps)
})

test.each([
  [':443;cert.pem;key.pem', 'expected key=value after ";", got "cert.pem"'],
  ['k=v;foo', 'expected key=value after ";", got "foo"'],
  ['=v', 'expected a key before "=", got "=v"'],
  ['k=v;=w', 'expected a key before "=", got "k=v;=w"'],
  ['"a"b', 'expected ",", ";" or "=" after the closing quote, got "b"'],
  ['k="v', 'expected a closing ", got "\\"v"'],
  ["k='v\\'", "expected a closing ', got \"'v\\\\'\""],
  ['k="\\q"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\q"'],
  ['k="\\\'"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\\'"'],
  ['k="\\u12"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\u"'],
  ['k="\\ud800"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\ud800"'],
  ['k="\\U00110000"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\U00110000"'],
  ['k="\\777"', 'expected an escape like \\n, \\" or \\u00e9, got "\\\\7"'],
])('%j is refused', (source, words) => {
  expect(() => parsePairs(source)).toThrow(new ValueError(words))
})

const print = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

test('whatever is printed with quotes reads back the same', () => {
  const map = fc.dictionary(
    fc.string().filter((key) => key === key.trim() && key !== '' && key !== '__proto__'),
    fc.string(),
    { minKeys: 1, maxKeys: 4 },
  )
  fc.assert(
    fc.property(fc.array(map), (maps) => {
      const source = maps
        .map((each) =>
          Object.entries(each)
            .map(([key, value]) => `${print(key)}=${print(value)}`)
            .join(';'),
        )
        .join(',')
      expect(read(source)).toEqual(maps)
    }),
  )
})

test('no text makes it throw anything but a ValueError', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...',;="\'\\ aux0n7{}é😀') }), (source) => {
      try {
        parsePairs(source)
      } catch (error) {
        expect(error).toBeInstanceOf(ValueError)
      }
    }),
    { numRuns: 2000 },
  )
})
