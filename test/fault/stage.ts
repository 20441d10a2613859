import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { freePort, type Running, startGatehouse } from '../support/gatehouse-process.ts'
import { waitFor } from '../support/wait.ts'

const program = fileURLToPath(new URL('./programs/instance.mjs', import.meta.url))

/** How `programs/instance.mjs` behaves. */
export interface InstanceOptions {
  readonly delay?: number
  readonly keepAlive?: number
  readonly resetEvery?: number
  readonly status?: number
  readonly name?: string
}

export interface Instance {
  readonly child: ChildProcess
  readonly port: number
  readonly name: string
  /** Resolves when its process has ended. */
  readonly exited: Promise<unknown>
}

/** A real gateway process on a registry, with instances in processes of their own. */
export interface Stage {
  readonly gateway: Running
  readonly port: number
  readonly adminUrl: string
  /** Starts an instance without telling the registry. */
  start(options?: InstanceOptions, port?: number): Promise<Instance>
  /** Tells the registry of an instance. Its check is the registry's to be told. */
  register(instance: Instance, service?: string, tag?: string): Promise<void>
  deregister(instance: Instance): Promise<void>
  setCheck(instance: Instance, status: 'pass' | 'fail'): Promise<void>
  /** Resolves once the gateway routes to so many instances. */
  routes(count: number): Promise<void>
  workers(): Promise<number[]>
  /** Resident memory of the gateway with its workers, octets. */
  memory(): Promise<number>
  close(): Promise<void>
}

export async function setStage(flags: readonly string[] = []): Promise<Stage> {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  const [port, admin] = [await freePort(), await freePort()]
  const gateway = startGatehouse([
    ...['-proxy.addr', `127.0.0.1:${port}`, '-ui.addr', `127.0.0.1:${admin}`],
    ...['-registry.consul.addr', registry.url, '-registry.consul.register.enabled', 'false'],
    ...(flags.includes('-proxy.workers') ? [] : ['-proxy.workers', '1']),
    ...flags,
  ])
  const instances: Instance[] = []
  const adminUrl = `http://127.0.0.1:${admin}`
  const put = async (path: string, body: unknown = null): Promise<void> => {
    const answer = await request(`${registry.url}/v1/agent/${path}`, {
      method: 'PUT',
      body: body === null ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`registry: ${path}: ${answer.statusCode} ${text}`)
  }
  const pids = async (): Promise<number[]> => {
    const path = `/proc/${gateway.child.pid}/task/${gateway.child.pid}/children`
    return (await readFile(path, 'utf8').catch(() => '')).split(' ').filter(Boolean).map(Number)
  }
  await waitFor(
    () =>
      request(`${adminUrl}/health`).then(
        async ({ statusCode, body }) => {
          await body.dump()
          return statusCode === 200
        },
        () => false,
      ),
    { what: `the admin port; the gateway said: ${gateway.complaints()}`, deadline: 15_000 },
  )
  return {
    gateway,
    port,
    adminUrl,
    async start(options = {}, at = 0) {
      const name = options.name ?? `instance-${instances.length + 1}`
      const child = spawn(process.execPath, [program, String(at), JSON.stringify({ ...options, name })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      const [line] = (await once(child.stdout!, 'data')) as [Buffer]
      const instance = { child, port: Number(/port (\d+)/.exec(line.toString())![1]), name, exited }
      instances.push(instance)
      return instance
    },
    register: (instance, service = 'web', tag = 'urlprefix-/') =>
      put('service/register', {
        ID: instance.name,
        Name: service,
        Address: '127.0.0.1',
        Port: instance.port,
        Tags: [tag],
        Check: { CheckID: `check:${instance.name}`, TTL: '600s', Status: 'passing' },
      }),
    deregister: (instance) => put(`service/deregister/${instance.name}`),
    setCheck: (instance, status) => put(`check/${status}/check:${instance.name}`),
    async routes(count) {
      await waitFor(
        async () => {
          const answer = await request(`${adminUrl}/api/routes`)
          return (((await answer.body.json()) as unknown[] | null) ?? []).length === count
        },
        { what: `${count} routes`, deadline: 10_000 },
      )
      // With several workers the ports open a moment after the table is known, and it is said when all have them.
      await waitFor(() => gateway.complaints().includes('HTTP proxy listening'), {
        what: 'the open port',
        deadline: 15_000,
      })
    },
    workers: pids,
    async memory() {
      const sizes = await Promise.all(
        [gateway.child.pid!, ...(await pids())].map(async (pid) => {
          const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
          return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) * 1024
        }),
      )
      return sizes.reduce((sum, size) => sum + size, 0)
    },
    async close() {
      await gateway.kill()
      for (const { child } of instances) {
        child.kill('SIGCONT')
        child.kill('SIGKILL')
      }
      await registry.close()
    },
  }
}
