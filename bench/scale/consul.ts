import { request } from 'undici'
import type { Processes, Started } from '../processes.ts'
import { freePort } from '../processes.ts'

/** A real Consul agent with its default settings, in memory. */
export interface ScaleConsul {
  readonly port: number
  readonly started: Started
}

export async function startConsul(processes: Processes, binary: string): Promise<ScaleConsul> {
  const port = await freePort()
  const [server, lan, wan] = [await freePort(), await freePort(), await freePort()]
  const ports = { http: port, dns: -1, grpc: -1, server, 'serf-lan': lan, 'serf-wan': wan }
  const started = processes.start({
    name: 'consul',
    command: binary,
    args: [
      ...['agent', '-dev', '-bind', '127.0.0.1', '-log-level', 'error', '-node', 'server'],
      ...Object.entries(ports).flatMap(([name, value]) => [`-${name}-port`, String(value)]),
    ],
    core: null,
  })
  const deadline = performance.now() + 20_000
  for (;;) {
    const leader = await request(`http://127.0.0.1:${port}/v1/status/leader`)
      .then((answer) => answer.body.json())
      .catch(() => '')
    if (leader !== '') return { port, started }
    if (performance.now() > deadline || started.exit() !== null) {
      throw new Error(`consul: expected a leader within 20 s, got none\n${started.output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** An instance in the catalog, on one of the nodes, with one check. */
export interface ScaleInstance {
  readonly service: string
  readonly id: string
  readonly node: string
  readonly address: string
}

/** Writes straight into the catalog, as the agents of other nodes do. */
export class Catalog {
  readonly #base: string

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`
  }

  register(instance: ScaleInstance, port: number, status: 'passing' | 'critical' = 'passing'): Promise<void> {
    const { service, id, node, address } = instance
    return this.#put('/v1/catalog/register', {
      Node: node,
      Address: '127.0.0.1',
      Service: {
        ID: id,
        Service: service,
        Address: address,
        Port: port,
        Tags: [`urlprefix-/${service}/`, 'v1'],
      },
      Check: this.#check(instance, status),
    })
  }

  setStatus(instance: ScaleInstance, status: 'passing' | 'critical'): Promise<void> {
    return this.#put('/v1/catalog/register', {
      Node: instance.node,
      Address: '127.0.0.1',
      SkipNodeUpdate: true,
      Check: this.#check(instance, status),
    })
  }

  deregister({ node, id }: ScaleInstance): Promise<void> {
    return this.#put('/v1/catalog/deregister', { Node: node, ServiceID: id })
  }

  #check({ service, id, node }: ScaleInstance, status: string): object {
    return {
      Node: node,
      CheckID: `service:${id}`,
      Name: `Service '${service}' check`,
      Status: status,
      Output: `HTTP GET http://${id}:8080/health: 200 OK Output: ${'x'.repeat(150)}`,
      ServiceID: id,
      ServiceName: service,
    }
  }

  async #put(path: string, body: object): Promise<void> {
    const answer = await request(this.#base + path, { method: 'PUT', body: JSON.stringify(body) })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${path}: expected 200, got ${answer.statusCode}: ${text}`)
  }
}
