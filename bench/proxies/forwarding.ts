import type { IncomingMessage } from 'node:http'

/** The fields that gatehouse adds to a request, so that every proxy does the same work. */
export function forwardingFields({
  socket,
  headers,
}: Pick<IncomingMessage, 'socket' | 'headers'>): Record<string, string> {
  const remote = socket.remoteAddress ?? ''
  const earlier = headers['x-forwarded-for']
  return {
    'x-real-ip': remote,
    'x-forwarded-for': earlier === undefined ? remote : `${String(earlier)}, ${remote}`,
    'x-forwarded-proto': 'http',
    'x-forwarded-port': String(socket.localPort),
    'x-forwarded-host': headers.host ?? '',
    forwarded: `for=${remote}; proto=http; by=127.0.0.1; httpproto=http/1.1`,
  }
}
