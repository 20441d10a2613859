import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Coding } from '../../src/middleware/accept-encoding.ts'

type WithZstd = typeof zlib & {
  createZstdDecompress?: () => Transform
  zstdDecompressSync: (octets: Buffer) => Buffer
}
const { createZstdDecompress, zstdDecompressSync } = zlib as WithZstd

/** What undoes each coding that this version of Node has: zstd from 22.15 on. */
export const decoders: readonly (readonly [Coding, () => Transform, (octets: Buffer) => Buffer])[] = [
  ['gzip', zlib.createGunzip, zlib.gunzipSync],
  ['br', zlib.createBrotliDecompress, zlib.brotliDecompressSync],
  ...(createZstdDecompress === undefined
    ? []
    : ([['zstd', createZstdDecompress, zstdDecompressSync]] as const)),
]

export const hasZstd = createZstdDecompress !== undefined
