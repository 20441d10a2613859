import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostOf } from '../cases.ts'
import { freePort } from '../processes.ts'
import type { Peer, PeerContext } from './peer.ts'

/** Every option that is not about addresses or cores has its default: what is measured is what people get. */
export const gatehouseProperties = (ports: { proxy: number; admin: number; registry: number }): string => `\
proxy.addr = 127.0.0.1:${ports.proxy}
ui.addr = 127.0.0.1:${ports.admin}
registry.consul.addr = 127.0.0.1:${ports.registry}
proxy.workers = 1
`

/** Client connections that the default has room for wherever a benchmark is run. */
const usual = 4_096

/** The built gateway, `dist/main.js`, with the routes that the registry has. */
export const gatehouse: Peer = built('gatehouse', null, async () => [])

/** The same with these lines behind its other properties, of which the last of one name counts. */
export const gatehouseWith = (name: string, lines: readonly string[]): Peer =>
  built(name, null, async () => lines)

/** The same with so many routes, one for each host, out of a file. */
export const gatehouseWithRoutes = (count: number): Peer =>
  built(`gatehouse, ${count} routes`, hostOf(0), async ({ folder, upstreamPort }) => {
    const file = join(folder, `routes-${count}.txt`)
    await writeFile(file, routesFile(count, upstreamPort))
    return ['registry.backend = file', `registry.file.path = ${file}`]
  })

export const routesFile = (count: number, upstreamPort: number): string =>
  Array.from(
    { length: count },
    (_, n) => `route add service-${n} ${hostOf(n)}/ http://127.0.0.1:${upstreamPort}/\n`,
  ).join('')

function built(
  name: string,
  host: string | null,
  more: (context: PeerContext) => Promise<readonly string[]>,
): Peer {
  return {
    name,
    host,
    program: null,
    async start(context) {
      const { processes, core, root, folder, node, registryPort } = context
      const [proxy, admin] = [await freePort(), await freePort()]
      const file = join(folder, `fabio-${proxy}.properties`)
      // By default it leaves each client connection a file descriptor for one to an instance.
      const room = context.clients > usual ? [`proxy.maxconns = ${context.clients}`] : []
      const lines = [...room, ...(await more(context))].map((line) => `${line}\n`).join('')
      await writeFile(file, gatehouseProperties({ proxy, admin, registry: registryPort }) + lines)
      const args = [join(root, 'dist/main.js'), '-cfg', file]
      return { started: processes.start({ name, command: node, args, core }), port: proxy }
    },
    async version({ root }, run) {
      const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
        version: string
      }
      // A copy of the sources without their history has no commit to name.
      const commit = await run('git', ['-C', root, 'describe', '--always', '--dirty']).catch(() => '')
      return commit === '' ? version : `${version} (${commit.trim()})`
    },
  }
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
