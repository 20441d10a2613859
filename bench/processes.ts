import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { readProcesses, treeOf } from './cpu.ts'

/** Runs a program to its end and resolves with what it printed. Rejects when it fails. */
export type RunProgram = (command: string, args: readonly string[]) => Promise<string>

export interface StartOptions {
  /** What it is called in sentences about it. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The core that it is held on; null: any. */
  readonly core: number | null
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Started {
  readonly name: string
  readonly pid: number
  /** The newest that it printed to stdout and stderr, for sentences about its failure. */
  output(): string
  /** Null while it runs. */
  exit(): string | null
  /** Asks it to end, and ends it by force if it does not. */
  stop(): Promise<void>
}

/** Longest text that is kept of what a long-running program prints. */
const keptOutput = 4_096
/** Time that a program is given to end on its own. */
const graceMs = 3_000

/** Starts programs, and ends those that it started, by their pids. */
export class Processes {
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #running = new Set<ChildProcess>()
  #isStopping = false

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env
  }

  start(options: StartOptions): Started {
    const child = this.#spawn(options)
    let output = ''
    let exit: string | null = null
    const keep = (text: string): void => {
      output = (output + text).slice(-keptOutput)
    }
    child.stdout!.setEncoding('utf8').on('data', keep)
    child.stderr!.setEncoding('utf8').on('data', keep)
    child.on('error', (error) => {
      exit = error.message
    })
    child.on('exit', (code, signal) => {
      exit ??= endOf(code, signal)
    })
    return {
      name: options.name,
      pid: child.pid ?? 0,
      output: () => output,
      exit: () => exit,
      stop: () => this.#end([child]),
    }
  }

  /** A `RunProgram` whose programs run on the core. */
  runner(core: number | null): RunProgram {
    return (command, args) =>
      new Promise((resolve, reject) => {
        const child = this.#spawn({ name: command, command, args, core })
        let printed = ''
        let complaint = ''
        child.stdout!.setEncoding('utf8').on('data', (text: string) => {
          printed += text
        })
        child.stderr!.setEncoding('utf8').on('data', (text: string) => {
          complaint += text
        })
        child.on('error', reject)
        child.on('close', (code, signal) => {
          if (code === 0) resolve(printed)
          else reject(new Error(`${command}: ${endOf(code, signal)}: ${complaint.trim() || printed.trim()}`))
        })
      })
  }

  /** Asks everything that still runs to end, and ends by force what does not. From now on nothing can be started. */
  stop(): Promise<void> {
    this.#isStopping = true
    return this.#end([...this.#running])
  }

  /** Ends everything that still runs, with its descendants, at once. From now on nothing can be started. */
  killNow(): void {
    this.#isStopping = true
    kill([...this.#running])
  }

  async #end(children: readonly ChildProcess[]): Promise<void> {
    const left = (): ChildProcess[] => children.filter((child) => this.#running.has(child))
    for (const child of left()) child.kill('SIGTERM')
    const end = performance.now() + graceMs
    while (left().length > 0 && performance.now() < end) await pause(5)
    kill(left())
    while (left().length > 0) await pause(5)
  }

  #spawn({ name, command, args, core, env }: StartOptions): ChildProcess {
    if (this.#isStopping) throw new Error(`${name}: not started, everything is being stopped`)
    const [program, ...rest] =
      core === null ? [command, ...args] : ['taskset', '-c', String(core), command, ...args]
    const child = spawn(program!, rest, { stdio: 'pipe', env: { ...this.#env, ...env } })
    this.#running.add(child)
    child.on('error', () => this.#running.delete(child))
    child.on('exit', () => this.#running.delete(child))
    // A program that does not read its input may be gone before we close it.
    child.stdin!.on('error', () => {})
    return child
  }
}

/** Ends processes by force, with their descendants. */
function kill(children: readonly ChildProcess[]): void {
  if (children.length === 0) return
  const all = readProcesses()
  for (const child of children) {
    // Descendants first: without their parent nobody could tell whose they are.
    const tree = child.pid === undefined ? [] : treeOf(child.pid, all)
    for (const { pid } of tree.reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        // It ended between the look and the signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
}

const endOf = (code: number | null, signalName: NodeJS.Signals | null): string =>
  signalName === null ? `it ended with exit code ${code}` : `it was ended by ${signalName}`

/**
 * Waits until the condition gives something. Rejects at the deadline, or when the program has ended, with what it
 * printed.
 */
export async function untilReady<T>(
  started: Started,
  what: string,
  condition: () => Promise<T | null> | T | null,
  deadlineMs = 20_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const ended = started.exit()
    const said = (): string => `; it printed: ${started.output().trim() || 'nothing'}`
    if (ended !== null) throw new Error(`${started.name}: expected ${what}, but ${ended}${said()}`)
    const found = await condition()
    if (found !== null) return found
    if (performance.now() > end) {
      throw new Error(`${started.name}: expected ${what} within ${deadlineMs / 1_000} s${said()}`)
    }
    await pause(20)
  }
}

/** The port that one of our own programs announced. */
export const announcedPort = (started: Started): Promise<number> =>
  untilReady(started, 'it to say where it listens', () => {
    const port = /^listening on port (\d+)$/m.exec(started.output())?.[1]
    return port === undefined ? null : Number(port)
  })

/** A port of the loopback address that nobody uses just now, for programs that cannot be told to take any. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** Whether somebody accepts connections on a port of the loopback address. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Where a program is, by its name on PATH; null: nowhere. */
export function findProgram(name: string, path: string): string | null {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not in this folder.
    }
  }
  return null
}
