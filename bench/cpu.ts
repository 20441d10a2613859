import { readdirSync, readFileSync } from 'node:fs'

/** What /proc/PID/stat says of one process (proc(5)). */
export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** User and system time of all its threads and of its children that have ended and were waited for, in ticks. */
  readonly ticks: number
}

/** USER_HZ, the unit of /proc/PID/stat: 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

/** Throws where the text is no line of /proc/PID/stat. */
export function parseStat(text: string): ProcessStat {
  // The name stands in parentheses and may hold spaces and parentheses of its own.
  const close = text.lastIndexOf(')')
  const pid = Number.parseInt(text, 10)
  const rest = text.slice(close + 2).split(' ')
  const numbers = [rest[1], ...rest.slice(11, 15)].map(Number)
  if (close === -1 || !Number.isInteger(pid) || numbers.length !== 5 || !numbers.every(Number.isInteger)) {
    throw new Error(`/proc/PID/stat: expected "PID (name) state parent …", got ${JSON.stringify(text)}`)
  }
  const [parent, ...times] = numbers as [number, ...number[]]
  return { pid, parent, ticks: times.reduce((sum, time) => sum + time, 0) }
}

/** The process and all its descendants, parents first. */
export function treeOf(pid: number, all: readonly ProcessStat[]): ProcessStat[] {
  const tree = all.filter((stat) => stat.pid === pid)
  for (const member of tree) tree.push(...all.filter((stat) => stat.parent === member.pid))
  return tree
}

/** Every process of this machine that can be seen. */
export function readProcesses(): ProcessStat[] {
  const stats: ProcessStat[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      stats.push(parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')))
    } catch (error) {
      // It ended between the list and the look.
      if (!isGone(error)) throw error
    }
  }
  return stats
}

const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')

/** CPU time that a process and its descendants have used since they began, in seconds. Throws if it is gone. */
export function cpuSeconds(pid: number): number {
  const tree = treeOf(pid, readProcesses())
  if (tree.length === 0) throw new Error(`process ${pid}: expected it to run, found no such process`)
  return tree.reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond
}

/** The numbers of a list like `0-2,5`, as /proc/PID/status has it in Cpus_allowed_list. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? []
      if (first === undefined) throw new Error(`list of cores: expected one like 0-2,5, got "${text.trim()}"`)
      const from = Number(first)
      return Array.from({ length: Number(last ?? first) - from + 1 }, (_, i) => from + i)
    })
}

/** The cores that this process may run on. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return list === undefined ? [] : parseCpuList(list)
}
