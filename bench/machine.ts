import { cpus, loadavg, release, totalmem } from 'node:os'
import { allowedCores } from './cpu.ts'

/** What the figures were made on. */
export interface Machine {
  readonly cores: number
  readonly model: string
  readonly memoryMiB: number
  readonly kernel: string
  /** Of 1, 5 and 15 minutes, before the run: what others did on the machine. */
  readonly loadAverage: readonly number[]
}

export function describeMachine(): Machine {
  const all = cpus()
  return {
    cores: all.length,
    model: all[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    loadAverage: loadavg().map((value) => Math.round(value * 100) / 100),
  }
}

/** Who runs on which core; null: wherever the system puts it. */
export interface Cores {
  readonly proxy: number | null
  /** The load generator and the upstream. */
  readonly load: number | null
}

/** The first core for the proxies, the second for the rest; no core for anybody where there is no choice. */
export function chooseCores(hasTaskset: boolean): Cores {
  const [proxy, load] = hasTaskset ? allowedCores() : []
  return proxy === undefined || load === undefined ? { proxy: null, load: null } : { proxy, load }
}
