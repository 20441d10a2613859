import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor } from './wait.ts'

/** A real Consul agent in dev mode: server and client in one, everything in memory. */
export interface ConsulAgent {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Name of its one node. */
  readonly node: string
  readonly pid: number
  /** Asks it to leave in order, and resolves once it is gone. Safe to call twice. */
  stop(): Promise<void>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same port, without anything that it knew. */
  start(): Promise<void>
  /** `kill` and `start`. */
  restart(): Promise<void>
}

export interface ConsulOptions {
  /** More arguments of `consul agent`. */
  readonly args?: readonly string[]
  /** One that may see its node, where `args` have ACLs. */
  readonly token?: string
}

const host = '127.0.0.1'
const node = 'test-node'
/** Milliseconds from its start to its first leader. */
const startDeadline = 30_000
/** Somebody else may take a port between our finding it free and Consul's listening on it. */
const attempts = 3

/** Rejects with what to install when there is no Consul, and with its last words when it does not start. */
export async function startConsul({ args = [], token = '' }: ConsulOptions = {}): Promise<ConsulAgent> {
  const binary = findConsul()
  let ports = await freePorts(3)
  let running = await launch(binary, ports, args, token).catch(async (error: unknown) => {
    for (let attempt = 1; attempt < attempts; attempt++) {
      ports = await freePorts(3)
      const next = await launch(binary, ports, args, token).catch(() => null)
      if (next !== null) return next
    }
    throw error
  })
  const port = ports[0]!
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await running.end(signal)
  }
  return {
    url: `http://${host}:${port}`,
    host,
    port,
    node,
    get pid() {
      return running.pid
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async start() {
      running = await launch(binary, ports, args, token)
    },
    async restart() {
      await end('SIGKILL')
      running = await launch(binary, ports, args, token)
    },
  }
}

/** Where `npm test` unpacks Debian's package of Consul when there is none. */
const unpacked = fileURLToPath(new URL('../../.cache/consul/usr/bin', import.meta.url))

/**
 * Path of the binary: `CONSUL_BIN`, else `consul` on the PATH, else the one that the set-up of the tests unpacked.
 * Throws with what to install.
 */
export function findConsul(env: NodeJS.ProcessEnv = process.env, fallback: string = unpacked): string {
  const named = env.CONSUL_BIN ?? ''
  if (named !== '') {
    if (isExecutable(named)) return named
    throw new Error(`CONSUL_BIN: expected an executable file, got ${JSON.stringify(named)}`)
  }
  const folders = [...(env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), fallback]
  const found = folders.map((folder) => join(folder, 'consul')).find(isExecutable)
  if (found !== undefined) return found
  throw new Error(
    'this test needs a real Consul: install the Debian package "consul", or unpack a release of ' +
      'https://releases.hashicorp.com/consul/ and put it on the PATH or its path into CONSUL_BIN',
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface RunningConsul {
  readonly pid: number
  end(signal: NodeJS.Signals): Promise<void>
}

async function launch(
  binary: string,
  [http, server, serfLan]: readonly number[],
  args: readonly string[],
  token: string,
): Promise<RunningConsul> {
  const child = spawn(
    binary,
    [
      ...['agent', '-dev', '-node', node, '-bind', host, '-client', host, '-log-level', 'warn'],
      ...['-http-port', String(http), '-server-port', String(server), '-serf-lan-port', String(serfLan)],
      ...['-serf-wan-port', '-1', '-dns-port', '-1', '-grpc-port', '-1'],
      ...['-hcl', 'disable_update_check = true'],
      ...args,
    ],
    // A group of its own: Ctrl-C ends the tests, and they then end Consul in order.
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => words.push(text))
  }
  let failure: Error | null = null
  child.once('error', (error) => {
    failure = error
  })
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.removeListener('exit', killAtExit)
    await ended(child, signal)
  }
  try {
    await waitFor(
      () => {
        if (failure !== null || child.exitCode !== null)
          throw failure ?? new Error(words.join('').slice(-2_000))
        return isReady(`http://${host}:${http}`, token)
      },
      { what: 'Consul to have a leader', deadline: startDeadline },
    )
  } catch (error) {
    await end('SIGKILL')
    throw new Error(`${binary} agent did not start: ${(error as Error).message}`, { cause: error })
  }
  return { pid: child.pid!, end }
}

/** It has a leader, and the leader has seen the agent's own node alive. */
async function isReady(url: string, token: string): Promise<boolean> {
  try {
    const answer = await fetch(
      `${url}/v1/health/node/${node}`,
      token === '' ? {} : { headers: { 'x-consul-token': token } },
    )
    const checks = (await answer.json()) as { CheckID: string; Status: string }[]
    return checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'passing')
  } catch {
    return false
  }
}

/** Resolves once the process is gone; one that does not go within seconds is killed. */
async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(impatience)
}

/** Ports that nobody listens on now: all are held while they are looked for, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening()))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function listening(): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => resolve(server))
  })
}
