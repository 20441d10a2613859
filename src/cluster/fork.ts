import { type ChildProcess, fork, type SendHandle } from 'node:child_process'
import { messageOf } from '../base/errors.ts'
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
  let child: ChildProcess
  try {
    child = fork(file, [...args], { serialization: 'advanced' })
  } catch (error) {
    // The system has no memory for it. That there is no file descriptor or no program is told by an event instead.
    return neverStarted(error)
  }
  return {
    pid: child.pid ?? 0,
    send(message: ToWorker, handle?: object) {
      if (child.connected) child.send(message, handle as SendHandle | undefined)
    },
    onMessage: (told) => void child.on('message', (message) => told(message as FromWorker)),
    onExit(told) {
      child.on('exit', (code, signal) => told(signal ? `ended by ${signal}` : `ended with code ${code}`))
      child.on('error', (error) => {
        // What never began does not exit. Else it is a message to a process that is ending, whose end is heard of.
        if (child.pid === undefined) told(couldNotStart(error))
      })
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

const couldNotStart = (error: unknown): string => `could not be started: ${messageOf(error)}`

const neverStarted = (error: unknown): WorkerProcess => ({
  pid: 0,
  send() {},
  onMessage() {},
  onExit: (told) => queueMicrotask(() => told(couldNotStart(error))),
  kill() {},
})
