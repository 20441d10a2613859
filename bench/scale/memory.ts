import { readFileSync } from 'node:fs'

/** Of a process and all that it started, in MiB. */
export interface Memory {
  readonly processes: number
  /** Resident pages; those that several processes share are in each of them. */
  readonly rss: number
  /** The same with shared pages counted once, in parts: what the machine really gives. */
  readonly pss: number
  /** Of the first process alone, and the most that it ever had. */
  readonly main: number
  readonly mainPeak: number
}

/** Reads what the kernel counts (Linux, proc(5)). */
export function memoryOf(pid: number): Memory {
  const all = treeOf(pid)
  const sum = (read: (pid: number) => number): number => all.reduce((total, each) => total + read(each), 0)
  return {
    processes: all.length,
    rss: Math.round(sum((each) => field(`/proc/${each}/status`, 'VmRSS'))),
    pss: Math.round(sum((each) => field(`/proc/${each}/smaps_rollup`, 'Pss'))),
    main: Math.round(field(`/proc/${pid}/status`, 'VmRSS')),
    mainPeak: Math.round(field(`/proc/${pid}/status`, 'VmHWM')),
  }
}

function treeOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ')
  return [pid, ...children.filter((each) => each !== '').flatMap((each) => treeOf(Number(each)))]
}

const field = (path: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(path))?.[1] ?? 0) / 1024

/** Empty of a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
