import type { ProcessUsage } from '../base/process-usage.ts'
import type { World } from '../base/world.ts'
import type { WorkerProcess } from '../cluster/worker-link.ts'
import type { Interfaces } from '../config/kind.ts'

/** What a command may touch of the process that it runs in: `main.ts` alone knows the real thing. */
export interface CommandContext {
  /** Without the names of program and command. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly interfaces: Interfaces
  readonly hostname: string
  readonly version: string
  /** The folder of the built UI. */
  readonly assets: string
  readonly world: World
  readFile(path: string): Promise<string>
  /** Names of the files of a folder. */
  readFolder(path: string): Promise<readonly string[]>
  print(text: string): void
  /** Where the application log and complaints go. */
  complain(text: string): void
  /** Writes to the standard output, in order. `done` comes when the octets are gone, with an error where they are lost. */
  writeOut(octets: Buffer, done: (error: Error | null) => void): void
  /** Rejects where this file can neither be written nor made. */
  checkWritable(path: string): Promise<void>
  readonly pid: number
  /** What the system says of this process. */
  usage(): ProcessUsage
  /** Cores that this process may use. */
  readonly cores: number
  /** File descriptors that a process may have open; null: nobody knows. */
  readonly openFiles: number | null
  /** Starts a process of the traffic plane; null: this one is all there is. */
  readonly fork: (() => WorkerProcess) | null
  /** Called for each SIGHUP. */
  onHangup(told: () => void): void
  /** Called for each SIGUSR2. */
  onReplaceWorkers(told: () => void): void
  /** Ends with the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal
  /** Tells whom a second one, which ends at once, is to ask how many requests that cuts. */
  onHastyStop(countRunning: () => Promise<number>): void
}

/** Runs until it is done or told to stop. Resolves with the exit code; rejects with a StartError. */
export type Command = (context: CommandContext) => Promise<number>
