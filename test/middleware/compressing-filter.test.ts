import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../src/base/errors.ts'
import { CompressingFilter } from '../../src/middleware/compressing-filter.ts'
import { type Compressor, compressorKind } from '../../src/middleware/compressors.ts'
import { decoders } from '../support/codings.ts'
import { waitFor } from '../support/wait.ts'

const levels = { gzip: 5, br: 4, zstd: 3 }

/** A filter, and what comes out of it. */
function filtering(
  coding: (typeof decoders)[number][0] = 'gzip',
  { takes = (): boolean => true, resumed = (): void => {} } = {},
) {
  const { create, flushKind } = compressorKind(coding, levels)!
  const compressor: Compressor = create()
  const out = {
    chunks: [] as Buffer[],
    trailers: null as string | null,
    resumed: 0,
    failure: null as GatewayError | null,
  }
  let released = 0
  const filter = new CompressingFilter(
    compressor,
    flushKind,
    {
      write(chunk) {
        out.chunks.push(Buffer.from(chunk))
        return takes()
      },
      end(trailers) {
        out.trailers = trailers
      },
      resume() {
        out.resumed++
        resumed()
      },
      fail(error) {
        out.failure = error
      },
    },
    () => void released++,
  )
  return { filter, compressor, out, released: () => released, size: () => Buffer.concat(out.chunks).length }
}

const ended = (out: { trailers: string | null }) => waitFor(() => out.trailers !== null, { what: 'the end' })
/** Lets everything that the pool of threads is at come back. */
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

describe.each(decoders)('a body in %s', (coding, _create, decompress) => {
  test('comes out as it was, in whatever pieces it comes and whenever the client takes it', async () => {
    const piece = fc.record({
      text: fc.string({ maxLength: 400 }),
      times: fc.constantFrom(1, 1, 50, 400),
      waits: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        async (pieces, answers) => {
          let asked = 0
          const { filter, out, released } = filtering(coding, {
            takes: () => answers[asked++ % answers.length]!,
          })
          const draining = setInterval(() => filter.drained(), 1)
          const sent: Buffer[] = []
          for (const { text, times, waits } of pieces) {
            const chunk = Buffer.from(text.repeat(times))
            sent.push(Buffer.from(chunk))
            filter.write(chunk)
            // The memory is the sender's again.
            chunk.fill(0)
            if (waits) await new Promise((resolve) => setImmediate(resolve))
          }
          filter.end('X-A: 1\r\n')
          await ended(out)
          clearInterval(draining)
          expect(decompress(Buffer.concat(out.chunks)).equals(Buffer.concat(sent))).toBe(true)
          expect([out.trailers, out.failure, released()]).toEqual(['X-A: 1\r\n', null, 1])
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)

  test('of one piece with its end goes through in one go', async () => {
    const { filter, out } = filtering(coding)
    filter.write(Buffer.from('all of it'))
    filter.end('')
    await ended(out)
    expect(decompress(Buffer.concat(out.chunks)).toString()).toBe('all of it')
  })

  test('without an octet is a whole one', async () => {
    const { filter, out } = filtering(coding)
    filter.end('')
    await ended(out)
    expect(decompress(Buffer.concat(out.chunks)).toString()).toBe('')
  })
})

describe('a filter', () => {
  test('holds the upstream back while too much waits, and lets it go on', async () => {
    const { filter, out } = filtering()
    expect(filter.write(Buffer.alloc(32 * 1024))).toBe(true)
    expect(filter.write(Buffer.alloc(32 * 1024))).toBe(false)
    // What was read together with it still comes.
    filter.write(Buffer.alloc(1024))
    await waitFor(() => out.resumed === 1, { what: 'the upstream to be let go on' })
    await quiet()
    expect(out.resumed).toBe(1)
    filter.destroy()
  })

  test('is held back by a client that does not take what comes out, and holds the upstream back in turn', async () => {
    let isTaken = false
    const { filter, out, size } = filtering('gzip', { takes: () => isTaken })
    let isFree = true
    let sent = 0
    for (let i = 0; i < 400; i++) {
      const { resumed } = out
      if (!isFree) await quiet()
      if (!isFree && out.resumed === resumed) break
      isFree = filter.write(Buffer.from(randomBytes(16 * 1024).toString('hex')))
      sent += 32 * 1024
    }
    expect(sent).toBeLessThan(1024 * 1024)
    const before = size()
    await quiet()
    expect(size()).toBe(before)
    isTaken = true
    filter.drained()
    filter.end('')
    await ended(out)
    expect(size()).toBeGreaterThan(before)
  })

  test('that is destroyed in its work says nothing more and frees its place once', async () => {
    const { filter, compressor, out, released } = filtering()
    filter.write(Buffer.from(randomBytes(256 * 1024).toString('hex')))
    await new Promise((resolve) => setImmediate(resolve))
    filter.destroy()
    filter.destroy()
    const before = out.chunks.length
    expect(filter.write(Buffer.from('late'))).toBe(true)
    filter.end('')
    filter.drained()
    await quiet()
    expect([out.chunks.length, out.trailers, out.failure, released()]).toEqual([before, null, null, 1])
    expect(compressor.destroyed).toBe(true)
  })

  test('that is destroyed by whom it lets go on stays destroyed', async () => {
    const { filter, out, released } = filtering('gzip', { resumed: () => filter.destroy() })
    filter.write(Buffer.alloc(80 * 1024))
    await waitFor(() => released() === 1, { what: 'the end' })
    await quiet()
    expect([out.trailers, out.failure, out.resumed]).toEqual([null, null, 1])
  })

  test('whose compressor breaks says so once, and frees its place', async () => {
    const { filter, compressor, out, released } = filtering()
    filter.write(Buffer.from('begin'))
    compressor.destroy(new Error('no memory'))
    await waitFor(() => out.failure !== null, { what: 'the failure' })
    filter.write(Buffer.from('more'))
    filter.end('')
    filter.destroy()
    await quiet()
    expect([out.failure!.code, out.failure!.message]).toEqual([
      'GW_INTERNAL',
      'the answer could not be compressed: no memory',
    ])
    expect([out.trailers, released()]).toEqual([null, 1])
  })
})
