/** Mulberry32: a small generator whose whole state is its seed, so that a finding can be made again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** What parsers of HTTP have stumbled over. */
const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\r\r\n',
  '\r\n\r\n',
  '\n\n',
  '\0',
  ' ',
  '\t',
  '\v',
  '\f',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  ':',
  ' :',
  ';',
  ',',
  '"',
  '+',
  '-',
  '0x',
  '00',
  '1',
  '5',
  'f',
  'FFFFFFFFFFFFFFFF',
  '18446744073709551616',
  '9007199254740993',
  'chunked',
  'Chunked',
  'xchunked',
  'chunked, chunked',
  'identity',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Transfer-Encoding:\tchunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'transfer-encoding: \r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: +5\r\n',
  'Content-Length: 5, 5\r\n',
  'Content-Length: 5 \r\n',
  'Content_Length: 5\r\n',
  'content-length:5\r\n',
  'Connection: close\r\n',
  'Connection:close\t\r\n',
  'Connection: \xa0close, keep-alive\r\n',
  'Connection: content-length, transfer-encoding, host\r\n',
  'Proxy-Connection: close\r\n',
  'Keep-Alive: timeout=5\r\n',
  'TE: trailers\r\n',
  'Trailer: Content-Length\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked;q=1\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
  'Transfer-Encoding: "chunked"\r\n',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n',
  'Content-Length: 05\r\n',
  'Content-Length: 5\r\nContent-Length: 5\r\n',
  'Content-Length: 5_0\r\n',
  'Content-Length:\r\n 5\r\n',
  'Content-Length: 5\t\r\n',
  'Content-Length\xa0: 5\r\n',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n',
  'Connection: keep-alive\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'Host: b\r\n',
  'Host:\r\n',
  ' folded\r\n',
  '\tfolded\r\n',
  'X: y\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'GET ',
  'HEAD ',
  'POST ',
  'OPTIONS ',
  'http://a/',
  '*',
  '#',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  '5;a=b\r\nhello\r\n',
  '5 \r\nhello\r\n',
  '5;\r\nhello\r\n',
  '5\nhello\r\n',
  '0\r\nTrailer: x\r\n\r\n',
  '0\r\nContent-Length: 5\r\n\r\n',
  '0;\r\n\r\n',
  '0\n\n',
  '00000000000000000\r\n\r\n',
  '100000000\r\n',
  '20000000000000\r\n',
  '7ffffffffffffffff\r\n',
  '-1\r\n',
  '5;a="b\r\n"\r\nhello\r\n',
  '5\r\nhello',
  '5\r\nhellox\r\n',
  '5\r\nhello\n',
  'GET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 204 No Content\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
]

/** A seed of the corpus, spoiled in one to four ways. Characters stand for octets (latin1). */
export function mutate(corpus: readonly string[], random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  let text = pick(corpus)
  const at = (): number => Math.floor(random() * (text.length + 1))
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const where = at()
    const size = 1 + Math.floor(random() * 8)
    switch (Math.floor(random() * 8)) {
      case 0:
        text = text.slice(0, where) + pick(pieces) + text.slice(where)
        break
      case 1:
        text = text.slice(0, where) + text.slice(where + size)
        break
      case 2:
        text = text.slice(0, where) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(where + 1)
        break
      case 3:
        text = text.slice(0, where) + text.slice(where, where + size) + text.slice(where)
        break
      case 4: {
        // Between lines, where fields are.
        const lines = text.split('\r\n')
        lines.splice(Math.floor(random() * lines.length), 0, pick(pieces).replace(/\r\n$/, ''))
        text = lines.join('\r\n')
        break
      }
      case 5: {
        const lines = text.split('\r\n')
        const [line = ''] = lines.splice(Math.floor(random() * lines.length), 1)
        lines.splice(Math.floor(random() * (lines.length + 1)), 0, line)
        text = lines.join('\r\n')
        break
      }
      case 6: {
        const other = pick(corpus)
        text = text.slice(0, where) + other.slice(Math.floor(random() * other.length))
        break
      }
      default:
        text = text.slice(0, where) + pick(pieces) + text.slice(where + size)
    }
  }
  return text
}

/** The same octets in one to eight pieces, now and then one by one. */
export function cut(octets: Buffer, random: () => number): Buffer[] {
  if (octets.length < 1_000 && random() < 0.03) return Array.from(octets, (octet) => Buffer.from([octet]))
  const ends = Array.from({ length: Math.floor(random() * 8) }, () => Math.floor(random() * octets.length))
  const pieces: Buffer[] = []
  let start = 0
  for (const end of [...ends.sort((a, b) => a - b), octets.length]) {
    if (end === start) continue
    pieces.push(octets.subarray(start, end))
    start = end
  }
  return pieces
}
