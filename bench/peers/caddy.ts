import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../processes.ts'
import type { Peer } from './peer.ts'

/** Adds the fields that gatehouse adds; Caddy sets X-Forwarded-For, -Proto and -Host of its own accord. */
export const caddyfile = (ports: { proxy: number; upstream: number }): string => `\
{
	admin off
	auto_https off
	log {
		level ERROR
	}
}
http://:${ports.proxy} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${ports.upstream} {
		header_up X-Real-Ip {remote_host}
		header_up X-Forwarded-Port {http.request.port}
		header_up Forwarded "for={remote_host}; proto=http; by=127.0.0.1; httpproto=http/1.1"
		transport http {
			keepalive_idle_conns_per_host 256
			compression off
		}
	}
}
`

export const caddy: Peer = {
  name: 'caddy',
  host: null,
  program: 'caddy',
  async start({ processes, core, folder, upstreamPort }) {
    const proxy = await freePort()
    const file = join(folder, 'Caddyfile')
    await writeFile(file, caddyfile({ proxy, upstream: upstreamPort }))
    const args = ['run', '--config', file, '--adapter', 'caddyfile']
    // One core, and nothing written to the home directory.
    const env = { GOMAXPROCS: '1', HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
    return { started: processes.start({ name: 'caddy', command: 'caddy', args, core, env }), port: proxy }
  },
  async version(_context, run) {
    return `caddy ${(await run('caddy', ['version'])).trim().split(' ')[0]!}`
  },
}
