import { constants, deflateRawSync } from 'node:zlib'

/** The head of a gzip stream without a name and a time (RFC 1952 section 2.3). */
export const gzipHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/** Little is won by more: the same words come again and again, and nobody waits for this. */
const level = 1

/**
 * Text as a piece of a gzip stream that looks back at no other piece and does not end it (RFC 1951 section 3.2.4: the
 * empty block that brings it to a whole octet). So one piece is good for every stream, whatever was in it before.
 */
export const packed = (text: string): Buffer =>
  deflateRawSync(text, { level, finishFlush: constants.Z_FULL_FLUSH })

/** Whether a client takes gzip (RFC 9110 section 12.5.3). */
export const takesGzip = (acceptEncoding: string): boolean =>
  acceptEncoding.split(',').some((item) => /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(item))
