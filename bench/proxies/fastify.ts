import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { announce, endWithParent, portArgument } from '../programs/child.ts'
import { forwardingFields } from './forwarding.ts'

// The least that forwards everything with @fastify/http-proxy.
endWithParent()
const app = fastify()
await app.register(httpProxy, {
  upstream: `http://127.0.0.1:${portArgument()}`,
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      host: request.headers.host,
      ...forwardingFields(request.raw),
    }),
  },
})
announce(Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port))
