import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type AnswerTo, answerOf, between, clients } from '../../support/between.ts'
import { waitFor } from '../../support/wait.ts'

// What an HTTP/1.1 gateway must do, 72 to 85: the answers of upstreams. A bare section number is of RFC 9112.

const get = (path = '/', version = '1.1'): string => `GET ${path} HTTP/${version}\r\nHost: a\r\n\r\n`
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
/** The first request gets this answer, all others a good one. */
const first =
  (text: string): AnswerTo =>
  ({ start }) =>
    start.endsWith(' /') ? text : answerOf('good')

describe.each(clients)('with %s', (upstreamClient) => {
  const isWire = upstreamClient === 'wire'

  // In the second column what undici makes of it, which reads with llhttp: 502 as well, unless it says otherwise.
  test.each<[string, string, ('cut' | 'whole')?]>([
    [
      '72: two different lengths, 6.3',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    ],
    ['72: a length that is none, 6.3', 'HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello'],
    ['72: a negative length, 6.3', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello'],
    ['72: a length beyond 2^64, 6.3', 'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello'],
    [
      '73: a length and chunks, 6.3',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['77: no HTTP at all, 4', 'hello, who is there?\r\n\r\n'],
    ['77: HTTP/0.9, 4', '<html>hello</html>'],
    ['77: another version, 4', 'HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['77: no status, 4', 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n'],
    ['77: a status of two digits, 4', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
    ['77: a status below 100, 4', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n'],
    ['78: a folded line, 5.2', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n', 'whole'],
    ['78: a space before the colon, 5.1', 'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n'],
    [
      '78: a bare CR (response splitting), 2.2',
      'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      '78: a bare LF (response splitting), 2.2',
      'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n',
    ],
    ['78: NUL, 2.2', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ])('%s is 502, and costs its connection and no other answer', async (_what, text, byUndici) => {
    const gateway = await between({ upstreamClient }, first(text))
    const client = gateway.client(get() + get('/next'))
    const received = await client.until('good')
    if (isWire || byUndici === undefined) {
      expect(received).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
      expect(received).not.toMatch(/hello|evil/)
      await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
      expect(gateway.requests.at(-1)!.connection).toBe(1)
    }
    expect(received.match(/HTTP\/1\.1 \d\d\d/g)).toHaveLength(2)
  })

  test.each([
    ['74: with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'end'],
    ['74: with a length, by a reset', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'reset'],
    ['74: in chunks', `${chunked}5\r\nhello\r\n`, 'end'],
    ['74: in chunks, by a reset', `${chunked}5\r\nhello\r\n`, 'reset'],
    ['74: in the last chunk', `${chunked}5\r\nhello\r\n0\r\n`, 'end'],
    ['74: in its trailers', `${chunked}5\r\nhello\r\n0\r\nX: y\r\n`, 'end'],
    ['74: without framing, by a reset', 'HTTP/1.1 200 OK\r\n\r\nhello', 'reset'],
    ['75: by a chunk that is none', `${chunked}5\r\nhelloX0\r\n\r\n`, 'none'],
    ['75: by a chunk size that is none', `${chunked}5\r\nhello\r\nzz\r\n\r\n`, 'none'],
    ['75: by a chunk size beyond all bounds', `${chunked}5\r\nhello\r\nfffffffffffffffff\r\n`, 'none'],
  ])('%s, an answer that breaks off never looks complete, 7.1, 8', async (_what, text, how) => {
    const gateway = await between({ upstreamClient }, ({ socket }) => {
      // The head and the first octets are to be on their way before the end comes.
      socket.write(text.slice(0, text.indexOf('hello') + 5))
      setTimeout(() => {
        socket.write(text.slice(text.indexOf('hello') + 5))
        if (how === 'end') socket.end()
        else if (how === 'reset') setTimeout(() => socket.resetAndDestroy(), 20)
      }, 50)
      return null
    })
    const client = gateway.client(get())
    let error: NodeJS.ErrnoException | null = null
    client.socket.on('error', (seen) => {
      error = seen
    })
    const received = await client.untilClosed()
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*hello/)
    expect(received).not.toMatch(/\r\n0\r\n(?:.*\r\n)*\r\n$/)
    expect(received).not.toContain('\r\n0\r\n')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
  })

  test.each(['end', 'reset'])('76: nothing before the close (by %s) is 502, 9110 15.6.3', async (how) => {
    const gateway = await between({ upstreamClient }, ({ socket }) => {
      if (how === 'end') socket.end()
      else socket.resetAndDestroy()
      return null
    })
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'
    expect(await gateway.client(text).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 [\s\S]*GW_RESET/)
    expect(gateway.requests).toHaveLength(1)
  })

  test.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', 'evil'],
    ['HEAD in chunks', 'HEAD', chunked, '4\r\nevil\r\n0\r\n\r\n'],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 'evil'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n', 'evil'],
  ])(
    '79: the answer to %s has no body, and what comes in its place reaches nobody, 6.3',
    async (_what, method, head, surplus) => {
      const gateway = await between({ upstreamClient }, first(head + surplus))
      const client = gateway.client(get().replace('GET', method))
      await client.until('\r\n\r\n')
      await pause(20)
      await client.send(get('/next')).until('good')
      expect(client.received.match(/HTTP\/1\.1 [2-5]\d\d/g)).toHaveLength(2)
      expect(client.received).not.toContain('evil')
      expect(gateway.requests.at(-1)!.connection).toBe(1)
    },
  )

  test('80: octets behind an answer never answer anybody, 9.2', async () => {
    const gateway = await between({ upstreamClient }, first(answerOf('ok') + answerOf('evil')))
    const client = gateway.client(get())
    await client.until('ok')
    await client.send(get('/next')).until('good')
    expect(client.received).not.toContain('evil')
    expect(gateway.requests.at(-1)!.connection).toBe(1)
  })

  test('80: octets on an idle connection never answer anybody, 9.2', async () => {
    const gateway = await between({ upstreamClient })
    const client = gateway.client(get())
    await client.until('ok')
    gateway.sockets[0]!.write(answerOf('evil'))
    await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the connection to be given up' })
    client.send(get('/next'))
    await waitFor(() => gateway.requests.length === 2, { what: 'the next request' })
    expect(gateway.requests[1]!.connection).toBe(1)
    expect(client.received).not.toContain('evil')
  })

  test.each([
    ['81: that ends with its connection', 'HTTP/1.1 200 OK\r\n\r\nall of it', '1.1'],
    ['81: of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nall of it', '1.1'],
    ['81: that ends with its connection, to a client of HTTP/1.0', 'HTTP/1.1 200 OK\r\n\r\nall of it', '1.0'],
    ['82: in chunks, to a client of HTTP/1.0', `${chunked}3\r\nall\r\n6\r\n of it\r\n0\r\n\r\n`, '1.0'],
  ])('%s, an answer arrives whole, 6.1, 6.3', async (_what, text, version) => {
    const gateway = await between({ upstreamClient }, ({ socket }) => {
      if (text.startsWith(chunked)) socket.write(text)
      else socket.end(text)
      return null
    })
    const client = gateway.client(get('/', version))
    if (version === '1.0') {
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*\r\nall of it$/)
      expect(client.received).not.toMatch(/transfer-encoding/i)
    } else {
      const received = await client.until('\r\n0\r\n\r\n')
      expect(received.split('\r\n\r\n')[1]!.replace(/^\w+\r\n/gm, '')).toContain('all of it')
      expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Transfer-Encoding: chunked\r\n\r\n/)
    }
  })

  test.each([
    ['fields without end', 'X: y\r\n'],
    ['one field without end', 'y'.repeat(100)],
  ])('83: a head with %s ends in 502, 9110 5.4', async (_what, more) => {
    let isOver = false
    const gateway = await between({ upstreamClient }, ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nX: ')
      const go = (): void => {
        while (!isOver && !socket.destroyed) if (!socket.write(more.repeat(100))) return
      }
      socket.on('drain', go)
      go()
      return null
    })
    const client = gateway.client(get())
    const received = await client.until('\r\n\r\n')
    isOver = true
    expect(received).toMatch(/^HTTP\/1\.1 502 /)
    await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
  })

  test.each([
    ['in time', 300, 'GW_HEAD_TIMEOUT'],
    ['in number', 0, 'GW_BAD_ANSWER'],
  ])('83: interim answers without end are bounded %s', async (_how, headTimeout, code) => {
    // undici begins to wait anew with each of them: there only the number counts.
    if (headTimeout > 0 && !isWire) return
    const gateway = await between({ upstreamClient, upstream: { headTimeout } }, ({ socket }) => {
      const timer = setInterval(() => {
        if (socket.destroyed) clearInterval(timer)
        else socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(headTimeout > 0 ? 1 : 50))
      }, 10)
      return null
    })
    await gateway.client(get()).until(code)
    await waitFor(() => gateway.sockets[0]!.destroyed, { what: 'the upstream connection to close' })
  })

  test.each([
    ['299', 'HTTP/1.1 299 Strange\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 299 Strange\r\n'],
    ['599', 'HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 599 /],
    ['799', 'HTTP/1.1 799 Odd \xe9\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 799 /],
  ])('84: the unknown status %s passes, 9110 15', async (_status, text, expected) => {
    const gateway = await between({ upstreamClient }, () => text)
    const received = await gateway.client(get()).until('\r\n\r\n')
    expect(received).toMatch(expected)
  })

  test.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 1234\r\n\r\n'],
  ])('85: the Content-Length of the answer to %s is kept, 9110 8.6', async (_what, method, text) => {
    const gateway = await between({ upstreamClient }, () => text)
    const client = gateway.client(get().replace('GET', method))
    expect(await client.until('\r\n\r\n')).toContain('\r\nContent-Length: 1234\r\n')
    client.send(get().replace('GET', method))
    await waitFor(() => client.received.match(/HTTP\/1\.1 /g)?.length === 2, {
      what: 'the connection to go on',
    })
  })
})
