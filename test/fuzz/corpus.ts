const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const chunkedBody = '5\r\nhello\r\n0\r\n\r\n'

/** Requests as they come, and as attackers have sent them. Characters stand for octets. */
export const requests: readonly string[] = [
  get,
  get + get,
  'GET /a/b?c=d HTTP/1.1\r\nHost: a.test:8080\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n',
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e="q \\" x"\r\nhello\r\n00\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n${chunkedBody}`,
  `PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
  `GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Tab:\t1\t\r\nX-High: \xe4\xf6\r\nX-Long: ${'x'.repeat(300)}\r\n\r\n`,
  `\r\n${get}`,
  'GET / HTTP/1.1\r\nHost: [::1]:80\r\nCookie: a=b; c=d\r\nCookie: e\r\n\r\n',
  'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi',
  `GET / HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 70 }, (_, n) => `X-${n}: ${n}\r\n`).join('')}\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\n${'a:1\r\n'.repeat(40)}Content-Length: 5\r\n\r\nhello${get}`,
  `POST / HTTP/1.1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-A, X-B\r\nHost: a\r\n\r\n1\r\na\r\n00000A\r\n0123456789\r\n0\r\nX-A: 1\r\nX-B:\t2 \r\nX-C:\r\n\r\n${get}`,
  `PATCH https://a:443/x?y HTTP/1.1\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\r\n${get}`,
  `POST / HTTP/1.0\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\nabc${get}`,
  `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a;b=c;d="e;f\\\\";g\r\n\r\n\n\r\n0;x\r\n\r\n${get}`,
  `PROPFIND /%00%0d%0a/..//x?%20&y#=z HTTP/1.1\r\nHost: a\r\n\r\n`,
  'DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
]

/** A body of which no part looks like another. */
const large = Array.from({ length: 3_000 }, (_, i) => i.toString(36).padStart(7, '.')).join('')

/** Requests with bodies that do not fit into one read, or only just. */
export const largeRequests: readonly string[] = [
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${large.length}\r\n\r\n${large}${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * large.length}\r\n\r\n${large.repeat(4)}${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n${chunkedBody}${get}`,
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${(
    `2800;x\r\n${large.slice(0, 0x2800)}\r\n`
  ).repeat(8)}0\r\n\r\n${get}`,
]

/** Answers as they come, and as broken or hostile upstreams have sent them. */
export const responses: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  'HTTP/1.0 200 OK\r\nServer: x\r\n\r\nold',
  'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone',
  'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nDate: x\r\n\r\nok',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly',
  'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold',
  'HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: <a>\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  `HTTP/1.1 200 OK\r\n${Array.from({ length: 40 }, (_, n) => `X-${n}: ${n}\r\n`).join('')}Content-Length: 2\r\n\r\nok`,
  'HTTP/1.1 299 \xe9\t!\r\nConnection: keep-alive, close\r\nX: a, "b"\r\n\r\nend',
]
