import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Coding } from './accept-encoding.ts'

/** A stream of `node:zlib` that compresses. */
export type Compressor = Transform & { flush(kind: number, done: () => void): void }

/** `proxy.compress.level.*` */
export type CompressionLevels = Readonly<Record<Coding, number>>

/** How one coding is made. */
export interface CompressorKind {
  create(): Compressor
  /** What brings out everything that was written so far. */
  readonly flushKind: number
}

/**
 * What Node's zlib has of zstd from 22.15 on, and its types do not in the version that is compiled against (RFC 8878;
 * the numbers are zstd's own).
 */
type WithZstd = typeof zlib & {
  createZstdCompress?: (options: { params: Readonly<Record<number, number>> }) => Compressor
  constants: { ZSTD_c_compressionLevel: number; ZSTD_c_windowLog: number; ZSTD_e_flush: number }
}

/**
 * Windows are smaller than the libraries take by themselves, who think of one large file: a gateway compresses many
 * answers at a time. 128 KiB loses little on pages and saves most of the memory of brotli and zstd.
 */
const windowBits = 17

/** Makers of the codings that this version of Node has; null: it has not. */
export function compressorKind(coding: Coding, levels: CompressionLevels): CompressorKind | null {
  const { constants } = zlib
  switch (coding) {
    case 'gzip':
      return {
        create: () => zlib.createGzip({ level: levels.gzip }),
        flushKind: constants.Z_SYNC_FLUSH,
      }
    case 'br':
      return {
        create: () =>
          zlib.createBrotliCompress({
            params: {
              [constants.BROTLI_PARAM_QUALITY]: levels.br,
              [constants.BROTLI_PARAM_LGWIN]: windowBits,
            },
          }) as unknown as Compressor,
        flushKind: constants.BROTLI_OPERATION_FLUSH,
      }
    case 'zstd': {
      const { createZstdCompress, constants: zstd } = zlib as WithZstd
      if (createZstdCompress === undefined) return null
      return {
        create: () =>
          createZstdCompress({
            params: { [zstd.ZSTD_c_compressionLevel]: levels.zstd, [zstd.ZSTD_c_windowLog]: windowBits },
          }),
        flushKind: zstd.ZSTD_e_flush,
      }
    }
  }
}
