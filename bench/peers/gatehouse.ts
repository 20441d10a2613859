import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../processes.ts'
import type { Peer } from './peer.ts'

/** Every option that is not about addresses or cores has its default: what is measured is what people get. */
export const gatehouseProperties = (ports: { proxy: number; admin: number; registry: number }): string => `\
proxy.addr = 127.0.0.1:${ports.proxy}
ui.addr = 127.0.0.1:${ports.admin}
registry.consul.addr = 127.0.0.1:${ports.registry}
proxy.workers = 1
`

/** The built gateway, `dist/main.js`, with the routes that the registry has. */
export const gatehouse: Peer = {
  name: 'gatehouse',
  program: null,
  async start({ processes, core, root, folder, node, registryPort }) {
    const [proxy, admin] = [await freePort(), await freePort()]
    const file = join(folder, 'fabio.properties')
    await writeFile(file, gatehouseProperties({ proxy, admin, registry: registryPort }))
    const args = [join(root, 'dist/main.js'), '-cfg', file]
    return { started: processes.start({ name: 'gatehouse', command: node, args, core }), port: proxy }
  },
  async version({ root }, run) {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    // A copy of the sources without their history has no commit to name.
    const commit = await run('git', ['-C', root, 'describe', '--always', '--dirty']).catch(() => '')
    return commit === '' ? version : `${version} (${commit.trim()})`
  },
}

/** Registers the upstream as a service that gets everything. Rejects where the registry refuses it. */
export async function registerUpstream(registryPort: number, upstreamPort: number): Promise<void> {
  const url = `http://127.0.0.1:${registryPort}/v1/agent/service/register`
  const service = {
    ID: 'bench-upstream',
    Name: 'bench-upstream',
    Address: '127.0.0.1',
    Port: upstreamPort,
    Tags: ['urlprefix-/'],
    // Longer than any run, so that nobody has to renew it.
    Check: { TTL: '24h', Status: 'passing' },
  }
  const answer = await fetch(url, { method: 'PUT', body: JSON.stringify(service) })
  if (!answer.ok) {
    throw new Error(
      `registry: expected it to take the upstream, got status ${answer.status}: ${await answer.text()}`,
    )
  }
}
