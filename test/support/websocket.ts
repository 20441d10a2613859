import { createHash } from 'node:crypto'

/** What a server answers a WebSocket handshake with (RFC 6455 section 4.2.2). @param head of the request */
export function switching(head: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
}

export const handshake = (path = '/chat', fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`

/** A message of a server in one frame; text is frame type 1. */
export function serverFrame(text: string | Buffer, type = 1): Buffer {
  const payload = Buffer.from(text)
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x80 | type, payload.length]), payload])
  const head = Buffer.from([0x80 | type, 126, 0, 0])
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}

/** Frames of a client, unmasked, one after the other: as far as short messages go. */
export class ClientFrames {
  #kept = Buffer.alloc(0)

  push(chunk: Buffer): { type: number; payload: Buffer }[] {
    this.#kept = Buffer.concat([this.#kept, chunk])
    const frames: { type: number; payload: Buffer }[] = []
    for (;;) {
      const kept = this.#kept
      if (kept.length < 2) return frames
      const short = kept[1]! & 0x7f
      const from = short === 126 ? 4 : 2
      const size = short === 126 ? kept.readUInt16BE(2) : short
      if (kept.length < from + 4 + size) return frames
      const mask = kept.subarray(from, from + 4)
      const payload = Buffer.from(kept.subarray(from + 4, from + 4 + size)).map(
        (octet, index) => octet ^ mask[index % 4]!,
      )
      frames.push({ type: kept[0]! & 0xf, payload: Buffer.from(payload) })
      this.#kept = kept.subarray(from + 4 + size)
    }
  }
}
