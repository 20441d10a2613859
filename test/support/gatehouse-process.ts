import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The built program as its users run it. */
export interface Running {
  readonly child: ChildProcess
  output(): string
  complaints(): string
  exit(): Promise<number | null>
  kill(): Promise<void>
}

/** @param openFiles file descriptors that it may have; null: as this process */
export function startGatehouse(
  args: readonly string[],
  env: Record<string, string> = {},
  openFiles: number | null = null,
): Running {
  const command = [process.execPath, main, ...args]
  const limited =
    openFiles === null ? command : ['bash', '-c', `ulimit -n ${openFiles}; exec "$@"`, '-', ...command]
  const child = spawn(limited[0]!, limited.slice(1), {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    output: () => output,
    complaints: () => complaints,
    exit: () => exited,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
