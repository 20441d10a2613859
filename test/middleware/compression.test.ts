import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { sectionOf } from '../../src/http1/field-section.ts'
import { typesRegExp, usualTypes } from '../../src/middleware/compression.ts'
import { decoders, hasZstd } from '../support/codings.ts'
import { answerWith, type Handled, type HandledRequest, handling, valuesOf } from '../support/handled.ts'
import { planOptions } from '../support/plan.ts'
import { waitFor } from '../support/wait.ts'

const text = 'all work and no play makes jack a dull boy\n'.repeat(100)
const { compression } = planOptions()
const withTypes = { plan: { compression: { ...compression, contentType: '^text/' } } }

/** Answered by the instance, and whole at the client. */
async function answered(
  fields: string[],
  {
    request = {},
    route = '/',
    more = withTypes,
    answer = {},
  }: {
    request?: HandledRequest
    route?: string
    more?: Parameters<typeof handling>[1]
    answer?: Parameters<typeof answerWith>[2]
  } = {},
): Promise<Handled> {
  const handled = handling(route, more).handle({ fields: ['Accept-Encoding', 'gzip'], ...request })
  answerWith(handled, fields, { body: text, ...answer })
  await waitFor(() => handled.answer.ended, { what: 'the end of the answer' })
  return handled
}

const bodyOf = ({ answer }: Handled): Buffer => Buffer.concat(answer.body)
const encodingOf = ({ answer }: Handled): string[] => valuesOf(answer.fields, 'Content-Encoding')
const varyOf = ({ answer }: Handled): string[] => valuesOf(answer.fields, 'Vary')

const plainText = ['Content-Type', 'text/plain; charset=UTF-8']

describe('an answer of a type that is compressed', () => {
  test.each(decoders)(
    'is sent as %s where the client accepts that, and comes out as it was',
    async (coding, _create, decompress) => {
      const handled = await answered([...plainText, 'Content-Length', '4300'], {
        request: { fields: ['Accept-Encoding', coding] },
      })
      expect(encodingOf(handled)).toEqual([coding])
      expect(handled.answer.length).toBeNull()
      expect(decompress(bodyOf(handled)).toString()).toBe(text)
      expect(bodyOf(handled).length).toBeLessThan(500)
      expect(handled.exchange.bodySize).toBe(bodyOf(handled).length)
      expect(varyOf(handled)).toEqual(['Accept-Encoding'])
    },
  )

  test.each([
    ['the client accepts nothing', [], plainText, {}],
    ['the client forbids it', ['Accept-Encoding', 'gzip;q=0'], plainText, {}],
    ['the client likes it better as it is', ['Accept-Encoding', 'identity, gzip;q=0.5'], plainText, {}],
  ] as const)(
    'goes on as it is where %s, and Vary says what it depends on',
    async (_why, asked, fields, answer) => {
      const handled = await answered([...fields], { request: { fields: [...asked] }, answer })
      expect(encodingOf(handled)).toEqual([])
      expect(bodyOf(handled).toString()).toBe(text)
      expect(varyOf(handled)).toEqual(['Accept-Encoding'])
    },
  )

  // fabio reference 17.10 and QUIRK-26.
  test.each<[what: string, fields: string[], answer: Parameters<typeof answerWith>[2]]>([
    ['of another type', ['Content-Type', 'image/png'], {}],
    ['without a type', [], {}],
    ['that is encoded already', [...plainText, 'Content-Encoding', 'br'], {}],
    ['that says no-transform', [...plainText, 'Cache-Control', 'public, no-transform'], {}],
    ['that is a part (206)', [...plainText, 'Content-Range', 'bytes 0-4299/5000'], { status: 206 }],
    ['that has a range', [...plainText, 'Content-Range', 'bytes */5000'], { status: 416 }],
    ['with a sum of its octets', [...plainText, 'Content-Digest', 'sha-256=:x=:'], {}],
    ['that is small', plainText, { body: 'x'.repeat(1023) }],
    ['without a body', plainText, { body: '' }],
    ['with 204', plainText, { status: 204, body: '', length: null }],
  ])('goes on as it is: one %s', async (_what, fields, answer) => {
    const handled = await answered(fields, { answer })
    expect(encodingOf(handled)).toEqual(valuesOf(fields, 'Content-Encoding'))
    expect(bodyOf(handled).toString()).toBe(answer?.body ?? text)
    expect(handled.answer.length).toBe(answer?.length === null ? null : bodyOf(handled).length)
    expect(varyOf(handled)).toEqual([])
  })

  test.each([
    ['a client of HTTP/1.0, where a cut answer would look whole', { httpVersion: '1.0' as const }],
    [
      'a client that says no-transform',
      { fields: ['Accept-Encoding', 'gzip', 'Cache-Control', 'no-transform'] },
    ],
  ])('goes on as it is to %s', async (_whom, request) => {
    expect(encodingOf(await answered(plainText, { request }))).toEqual([])
  })

  test('is compressed from 1024 octets on, and whenever its length is not known', async () => {
    const body = 'x'.repeat(1024)
    expect(encodingOf(await answered(plainText, { answer: { body } }))).toEqual(['gzip'])
    const unknown = await answered(plainText, { answer: { body: 'x', length: null } })
    expect(gunzipSync(bodyOf(unknown)).toString()).toBe('x')
  })

  test('of unknown length that has no octet after all is an empty one', async () => {
    const handled = await answered(plainText, { answer: { body: '', length: null } })
    expect(encodingOf(handled)).toEqual(['gzip'])
    expect(gunzipSync(bodyOf(handled)).toString()).toBe('')
  })

  test('that says identity is as one that says nothing', async () => {
    const handled = await answered([...plainText, 'Content-Encoding', 'identity'])
    expect(encodingOf(handled)).toEqual(['gzip'])
  })

  test('has its trailers behind it', async () => {
    const handled = handling('/', withTypes).handle({ fields: ['Accept-Encoding', 'gzip'] })
    handled.sink!.head(200, '', sectionOf(plainText), null)
    handled.sink!.data(Buffer.from(text))
    handled.sink!.end(sectionOf(['X-Sum', '42', 'Content-Length', '3']))
    await waitFor(() => handled.answer.ended, { what: 'the end' })
    expect(handled.answer.trailers).toBe('X-Sum: 42\r\n')
  })
})

describe('Vary', () => {
  test.each([
    [['Vary', 'Origin'], 'Origin, Accept-Encoding'],
    [['Vary', 'Origin', 'vary', 'X-A, origin'], 'Origin, X-A, Accept-Encoding'],
    [['Vary', 'accept-encoding'], 'accept-encoding'],
    [['Vary', '*'], '*'],
  ])('of %j becomes one line, %s', async (vary, expected) => {
    expect(varyOf(await answered([...plainText, ...vary]))).toEqual([expected])
  })

  test('that the route sets stays beside what compression says', async () => {
    const handled = await answered([...plainText, 'Vary', 'X-Old'], {
      route: '/ header.response.set=Vary:X-New',
    })
    expect(varyOf(handled)).toEqual(['Accept-Encoding', 'X-New'])
  })
})

describe('a validator', () => {
  const etagOf = ({ answer }: Handled): string[] => valuesOf(answer.fields, 'ETag')

  test.each([
    ['"a"', 'W/"a"'],
    ['W/"a"', 'W/"a"'],
  ])('%s of a compressed answer is %s: its octets are others', async (etag, expected) => {
    expect(etagOf(await answered([...plainText, 'ETag', etag]))).toEqual([expected])
  })

  test('of an answer that goes on as it is stays strong', async () => {
    expect(etagOf(await answered([...plainText, 'ETag', '"a"'], { request: { fields: [] } }))).toEqual([
      '"a"',
    ])
  })

  test('in a 304 is weak for whom has asked with the weak one', async () => {
    const answer = { status: 304, body: '', length: null }
    const ask = (tags: string) => ({ request: { fields: ['If-None-Match', tags] }, answer })
    expect(etagOf(await answered(['ETag', '"a"'], ask('"x", W/"a"')))).toEqual(['W/"a"'])
    expect(etagOf(await answered(['ETag', '"a"'], ask('"a"')))).toEqual(['"a"'])
  })

  test('Accept-Ranges is gone: ranges are of the octets as they are', async () => {
    const handled = await answered([...plainText, 'Accept-Ranges', 'bytes'])
    expect(valuesOf(handled.answer.fields, 'Accept-Ranges')).toEqual([])
  })
})

describe('an answer to HEAD', () => {
  test('is that of the GET but for what is known only of its octets', async () => {
    const handled = await answered([...plainText, 'ETag', '"a"'], {
      request: { method: 'HEAD', fields: ['Accept-Encoding', 'gzip'] },
      answer: { body: '', length: 4300 },
    })
    expect([encodingOf(handled), varyOf(handled), handled.answer.length]).toEqual([
      [],
      ['Accept-Encoding'],
      null,
    ])
    expect(valuesOf(handled.answer.fields, 'ETag')).toEqual(['W/"a"'])
  })

  test('keeps its length where the GET would go on as it is', async () => {
    const handled = await answered(plainText, {
      request: { method: 'HEAD', fields: [] },
      answer: { body: '', length: 4300 },
    })
    expect(handled.answer.length).toBe(4300)
  })
})

describe('the options', () => {
  const on = (more: Partial<typeof compression>) => ({ plan: { compression: { ...compression, ...more } } })

  test('without types nothing is compressed, and compress=on is for the usual ones', async () => {
    expect(encodingOf(await answered(plainText, { more: {} }))).toEqual([])
    expect(encodingOf(await answered(plainText, { more: {}, route: '/ compress=on' }))).toEqual(['gzip'])
    const video = ['Content-Type', 'video/mp4']
    expect(encodingOf(await answered(video, { more: {}, route: '/ compress=on' }))).toEqual([])
  })

  test('compress=off leaves the answers of a route alone', async () => {
    const handled = await answered(plainText, { route: '/ compress=off' })
    expect([encodingOf(handled), varyOf(handled)]).toEqual([[], []])
  })

  test('zstd is made where Node has it, and left out where it has not', async () => {
    const request = { fields: ['Accept-Encoding', 'zstd, gzip'] }
    expect(encodingOf(await answered(plainText, { request }))).toEqual([hasZstd ? 'zstd' : 'gzip'])
  })

  test('only the named codings are made', async () => {
    const request = { fields: ['Accept-Encoding', 'br, gzip'] }
    expect(
      encodingOf(await answered(plainText, { request, more: on({ contentType: '.', codings: ['gzip'] }) })),
    ).toEqual(['gzip'])
  })

  test('with too many at a time the next goes on as it is, and the one behind an end is compressed again', async () => {
    const { handle } = handling('/', on({ contentType: '.', maxStreams: 1 }))
    const begin = (): Handled => {
      const handled = handle({ fields: ['Accept-Encoding', 'gzip'] })
      handled.sink!.head(200, '', sectionOf(plainText), null)
      return handled
    }
    const first = begin()
    const second = begin()
    expect([encodingOf(first), encodingOf(second), varyOf(second)]).toEqual([
      ['gzip'],
      [],
      ['Accept-Encoding'],
    ])
    first.sink!.end(null)
    await waitFor(() => first.answer.ended, { what: 'the end of the first' })
    const third = begin()
    expect(encodingOf(third)).toEqual(['gzip'])
    const { GatewayError } = await import('../../src/base/errors.ts')
    third.handler.clientGone(third.exchange, new GatewayError('GW_CLIENT_GONE', 'x'))
    const fourth = begin()
    expect(encodingOf(fourth)).toEqual(['gzip'])
    fourth.sink!.failed(new GatewayError('GW_RESET', 'x'))
    expect(fourth.answer.aborted).toBe(true)
    expect(encodingOf(begin())).toEqual(['gzip'])
  })

  test('event streams take half of the places, whatever there are', () => {
    const { handle } = handling('/', on({ contentType: '.', maxStreams: 4 }))
    const begin = (type: string): string[] => {
      const handled = handle({ fields: ['Accept-Encoding', 'gzip'] })
      handled.sink!.head(200, '', sectionOf(['Content-Type', type]), null)
      return encodingOf(handled)
    }
    const types = [
      ...Array.from({ length: 3 }, () => 'text/event-stream; charset=utf-8'),
      'text/html',
      'text/html',
      'text/html',
    ]
    expect(types.map(begin)).toEqual([['gzip'], ['gzip'], [], ['gzip'], ['gzip'], []])
  })

  test.each([
    ['(?i)^TEXT/', 'text/plain', true],
    ['^text/', 'TEXT/plain', false],
    ['^text/plain(;.*)?$', 'text/plain; charset=UTF-8', true],
    ['^text/plain(;.*)?$', 'text/css', false],
    [usualTypes, 'application/json', true],
    [usualTypes, 'application/problem+json; charset=utf-8', true],
    [usualTypes, 'image/svg+xml', true],
    [usualTypes, 'text/event-stream', true],
    [usualTypes, 'image/png', false],
    [usualTypes, 'application/octet-stream', false],
  ])('%s of %s: %s', (source, type, expected) => {
    expect(typesRegExp(source).test(type)).toBe(expected)
  })
})
