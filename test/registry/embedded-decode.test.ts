import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bool,
  DecodeError,
  decodeBody,
  duration,
  integer,
  list,
  mapOf,
  opaque,
  pointer,
  struct,
  text,
} from '../../src/registry/embedded/decode.ts'

const inner = struct('main.Inner', { HTTP: text, Interval: duration })
const outer = struct('main.Outer', {
  Name: text,
  Port: integer,
  TLSSkipVerify: bool,
  Tags: list(text),
  Meta: mapOf(text),
  Check: inner,
  Checks: list(inner),
  Weights: pointer(inner),
  Proxy: opaque,
})
const decode = (body: unknown) =>
  decodeBody(outer, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
const zero = {
  Name: '',
  Port: 0,
  TLSSkipVerify: false,
  Tags: [],
  Meta: null,
  Check: { HTTP: '', Interval: 0 },
  Checks: [],
  Weights: null,
  Proxy: null,
}

describe('request bodies as Go decodes them', () => {
  const taken: [sentence: string, body: unknown, expected: object][] = [
    ['null is nothing', 'null', {}],
    ['an absent field is its zero value', {}, {}],
    ['so is one that is null', { Name: null, Tags: null, Check: null, Weights: null }, {}],
    ['names match in any case', { NAME: 'a', port: 1 }, { Name: 'a', Port: 1 }],
    ['and with underscores', { tls_skip_verify: true }, { TLSSkipVerify: true }],
    ['the last of two wins', '{"Name":"a","name":"b"}', { Name: 'b' }],
    ['null in a list of texts is an empty one', { Tags: ['a', null] }, { Tags: ['a', ''] }],
    ['a duration may be text', { Check: { Interval: '10s' } }, { Check: { HTTP: '', Interval: 10_000 } }],
    ['or nanoseconds', { Check: { Interval: 1_500_000 } }, { Check: { HTTP: '', Interval: 1.5 } }],
    ['a struct behind a pointer is there', { Weights: {} }, { Weights: { HTTP: '', Interval: 0 } }],
    ['what is opaque stays as it is', { Proxy: { a: [{ b: 1 }] } }, { Proxy: { a: [{ b: 1 }] } }],
  ]
  for (const [sentence, body, expected] of taken) {
    test(sentence, () => expect(decode(body)).toEqual({ ...zero, ...expected }))
  }

  test('a key called __proto__ is a key like any other', () => {
    const { Meta } = decode('{"Meta":{"__proto__":"x"}}')
    expect(Object.entries(Meta ?? {})).toEqual([['__proto__', 'x']])
    expect(() => decode('{"__proto__":{"Name":"x"}}')).toThrow('json: unknown field "__proto__"')
  })

  const refused: [body: unknown, says: string][] = [
    ['', 'EOF'],
    ['  \n', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"Name":"a"', 'unexpected EOF'],
    ['{"Name":"a', 'unexpected EOF'],
    ['[1,', 'unexpected EOF'],
    [[], 'json: cannot unmarshal array into Go value of type main.Outer'],
    ['"x"', 'json: cannot unmarshal string into Go value of type main.Outer'],
    [{ Name: 5 }, 'json: cannot unmarshal number into Go struct field .Name of type string'],
    [{ Port: '80' }, 'json: cannot unmarshal string into Go struct field .Port of type int'],
    [{ Port: 1.5 }, 'json: cannot unmarshal number 1.5 into Go struct field .Port of type int'],
    [{ TLSSkipVerify: 1 }, 'json: cannot unmarshal number into Go struct field .TLSSkipVerify of type bool'],
    [{ Tags: 'a' }, 'json: cannot unmarshal string into Go struct field .Tags of type []string'],
    [{ Tags: [true] }, 'json: cannot unmarshal bool into Go struct field .Tags of type string'],
    [{ Meta: [] }, 'json: cannot unmarshal array into Go struct field .Meta of type map[string]string'],
    [
      { Checks: [{ HTTP: {} }] },
      'json: cannot unmarshal object into Go struct field .Checks.HTTP of type string',
    ],
    [{ Check: { Interval: 'soon' } }, 'time: invalid duration "soon"'],
    [
      { Check: { Interval: true } },
      'json: cannot unmarshal bool into Go struct field .Check.Interval of type time.Duration',
    ],
    [
      { Proxy: [] },
      'json: cannot unmarshal array into Go struct field .Proxy of type map[string]interface {}',
    ],
    [{ Bogus: 1 }, 'json: unknown field "Bogus"'],
    [{ constructor: 1 }, 'json: unknown field "constructor"'],
  ]
  for (const [body, says] of refused) {
    test(`${typeof body === 'string' ? JSON.stringify(body) : JSON.stringify(body)} is refused`, () => {
      expect(() => decode(body)).toThrow(new DecodeError(says))
    })
  }

  test('any bytes are decoded or refused with a DecodeError', () => {
    const field = fc.constantFrom(...Object.keys(zero), 'tls_skip_verify', 'other')
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(field, fc.jsonValue()).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(body, (given) => {
        try {
          expect(Object.keys(decode(given))).toEqual(Object.keys(zero))
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })
})
