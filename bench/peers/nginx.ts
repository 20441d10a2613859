import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../processes.ts'
import type { Peer } from './peer.ts'

export interface NginxOptions {
  readonly proxy: number
  readonly upstream: number
  /** For everything that it writes. */
  readonly folder: string
  /** Whether it is started by root; the worker then stays root, so that it can write to the folder. */
  readonly asRoot: boolean
  readonly clients: number
}

/** One worker, answers relayed in memory alone, no access log, the fields that gatehouse adds. */
export const nginxConfig = ({ proxy, upstream, folder, asRoot, clients }: NginxOptions): string => `\
${asRoot ? 'user root;\n' : ''}daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;

events {
  worker_connections ${clients};
}

http {
  access_log off;
  client_body_temp_path ${folder}/client-body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;

  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_body_buffer_size 64k;
  proxy_max_temp_file_size 0;

  upstream out {
    server 127.0.0.1:${upstream};
    keepalive 256;
    keepalive_requests 1000000000;
  }

  server {
    listen 127.0.0.1:${proxy} backlog=1024;
    location / {
      proxy_pass http://out;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-Ip $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded "for=$remote_addr; proto=$scheme; by=127.0.0.1; httpproto=http/1.1";
    }
  }
}
`

/** Its CPU time is that of master and worker together; the master sleeps. */
export const nginx: Peer = {
  name: 'nginx',
  host: null,
  program: 'nginx',
  async start({ processes, core, folder: parent, upstreamPort, clients }) {
    const proxy = await freePort()
    const folder = join(parent, 'nginx')
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'nginx.conf')
    const asRoot = userInfo().uid === 0
    await writeFile(file, nginxConfig({ proxy, upstream: upstreamPort, folder, asRoot, clients }))
    // -e: the error log of the time before the configuration is read, else a file that only root may write.
    const args = ['-c', file, '-p', folder, '-e', 'stderr']
    return { started: processes.start({ name: 'nginx', command: 'nginx', args, core }), port: proxy }
  },
  async version(_context, run) {
    // `nginx -v` prints to stderr.
    return (await run('sh', ['-c', 'nginx -v 2>&1'])).trim().replace('nginx version: ', '')
  },
}
