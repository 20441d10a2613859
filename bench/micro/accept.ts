import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { bindPort } from '../../src/listen/bound-port.ts'
import { type BenchCase, browserFields } from '../cases.ts'
import { cpuSeconds } from '../cpu.ts'
import type { BenchOptions } from '../options.ts'
import { freePort } from '../processes.ts'
import type { ToAcceptor } from '../programs/acceptor.ts'
import { renderTable } from '../report.ts'
import type { BenchContext } from '../stage.ts'
import { createGenerator, onStage, type Stage } from '../stage.ts'

/** How two processes share a port: they accept from one socket, or each has its own (SO_REUSEPORT, Node 23.1). */
type Manner = 'shared' | 'reusePort'

const workers = 2
/** Kept connections of which it is counted who has them. */
const kept = [8, 64, 512] as const

const closing: BenchCase = {
  name: 'accept',
  says: 'a new connection for each request',
  method: 'GET',
  path: '/',
  fields: [...browserFields, ['Connection', 'close']],
  bodySize: 0,
  keepAlive: false,
  hosts: [],
  among: 'proxies',
}

/**
 * Whether the processes of the traffic plane had better accept from one socket or each from its own: how evenly kept
 * connections are spread, and what a new connection costs.
 */
export const runAccept = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
    const canReuse = major > 23 || (major === 23 && minor >= 1)
    if (!canReuse)
      context.print(`reusePort needs Node 23.1, this is ${process.versions.node}: shared alone\n`)
    const rows: string[][] = []
    for (const manner of canReuse ? (['shared', 'reusePort'] as const) : (['shared'] as const)) {
      rows.push(await measureManner(manner, stage))
    }
    const heading = ['port', ...kept.map((count) => `${count} kept`), 'new/s', 'CPU us each', 'spread']
    context.print(renderTable(heading, rows))
  })

async function measureManner(manner: Manner, stage: Stage): Promise<string[]> {
  const { context, options } = stage
  const children = Array.from({ length: workers }, () =>
    fork(join(context.compiled, 'programs/acceptor.js'), [], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    }),
  )
  context.stop.addEventListener('abort', () => {
    for (const child of children) child.kill()
  })
  try {
    const port = await listen(manner, children)
    const spreads: string[] = []
    for (const count of kept) {
      const sockets = await Promise.all(Array.from({ length: count }, () => open(port)))
      spreads.push((await counts(children)).join('+'))
      for (const socket of sockets) socket.destroy()
    }
    context.progress(`${manner}: ${options.seconds} s of new connections`)
    const used = (): number => children.reduce((sum, { pid }) => sum + cpuSeconds(pid!), 0)
    const before = used()
    const { requests, seconds } = await createGenerator(stage).run({
      port,
      benchCase: closing,
      seconds: options.seconds,
    })
    const cpu = used() - before
    const dealt = await counts(children)
    return [
      manner,
      ...spreads,
      String(Math.round(requests / seconds)),
      ((cpu / requests) * 1e6).toFixed(1),
      dealt.map((count) => `${Math.round((100 * count) / requests)} %`).join('+'),
    ]
  } finally {
    for (const child of children) child.kill()
  }
}

async function listen(manner: Manner, children: readonly ChildProcess[]): Promise<number> {
  const bound = manner === 'shared' ? await bindPort({ host: '127.0.0.1', port: 0 }) : null
  const port = bound?.port ?? (await freePort())
  for (const child of children) {
    const message: ToAcceptor = bound === null ? { kind: 'port', port } : { kind: 'handle' }
    child.send(message, bound?.handle as never)
    await once(child, 'message')
  }
  bound?.close()
  return port
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  return socket
}

/** Connections of each since the last time that it was asked. */
const counts = (children: readonly ChildProcess[]): Promise<number[]> =>
  Promise.all(
    children.map(async (child) => {
      child.send({ kind: 'count' } satisfies ToAcceptor)
      const [{ count }] = (await once(child, 'message')) as [{ count: number }]
      return count
    }),
  )
