import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../processes.ts'
import type { Peer } from './peer.ts'

/** One thread, the time-outs that gatehouse has, and the fields that it adds. */
export const haproxyConfig = (options: { proxy: number; upstream: number; clients: number }): string => `\
global
  nbthread 1
  maxconn ${options.clients}
  no strict-limits

defaults
  mode http
  timeout connect 30s
  timeout client 75s
  timeout server 75s
  timeout http-request 10s
  timeout http-keep-alive 75s
  option http-keep-alive
  http-reuse always

frontend in
  bind 127.0.0.1:${options.proxy}
  option forwardfor
  http-request set-header X-Real-Ip %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Forwarded "for=%[src]; proto=http; by=127.0.0.1; httpproto=http/%[req.ver]"
  default_backend out

backend out
  server upstream 127.0.0.1:${options.upstream}
`

export const haproxy: Peer = {
  name: 'haproxy',
  host: null,
  program: 'haproxy',
  async start({ processes, core, folder, upstreamPort, clients }) {
    const proxy = await freePort()
    const file = join(folder, 'haproxy.cfg')
    await writeFile(file, haproxyConfig({ proxy, upstream: upstreamPort, clients }))
    const started = processes.start({ name: 'haproxy', command: 'haproxy', args: ['-db', '-f', file], core })
    return { started, port: proxy }
  },
  async version(_context, run) {
    return (await run('haproxy', ['-v'])).split('\n')[0]!.replace(/ - .*$/, '')
  },
}
