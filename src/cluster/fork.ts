import { fork, type SendHandle } from 'node:child_process'
import type { FromWorker, ToWorker } from './messages.ts'
import type { WorkerProcess } from './worker-link.ts'

/**
 * Starts a worker: `file` with `args`, as a process that shares its ports with the others.
 *
 * The ports belong to the main process and every worker accepts from the very same sockets. So a worker that dies or
 * goes takes no waiting connection with it, which a socket of its own (`reusePort`) would; and no connection is handed
 * from process to process, which costs the main process more than to serve it (bench/README.md).
 */
export function forkWorker(file: string, args: readonly string[]): WorkerProcess {
  const child = fork(file, [...args], { serialization: 'advanced' })
  child.on('error', () => {
    // A message to a process that is ending: its end is heard of on its own.
  })
  return {
    pid: child.pid ?? 0,
    send(message: ToWorker, handle?: object) {
      if (child.connected) child.send(message, handle as SendHandle | undefined)
    },
    onMessage: (told) => void child.on('message', (message) => told(message as FromWorker)),
    onExit: (told) =>
      void child.on('exit', (code, signal) =>
        told(signal ? `ended by ${signal}` : `ended with code ${code}`),
      ),
    kill: () => void child.kill('SIGKILL'),
  }
}
