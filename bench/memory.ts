import { readdirSync, readFileSync } from 'node:fs'
import { readProcesses, treeOf } from './cpu.ts'

/** KiB of memory that a process and its descendants have in use (VmRSS of proc(5)). Throws if it is gone. */
export function residentKiB(pid: number): number {
  return treeOf(pid, readProcesses()).reduce((sum, member) => sum + parseResident(statusOf(member.pid)), 0)
}

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8')

/** Throws where the text is not what /proc/PID/status says. */
export function parseResident(text: string): number {
  const size = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]
  if (size === undefined)
    throw new Error(`/proc/PID/status: expected a line VmRSS, got ${JSON.stringify(text)}`)
  return Number(size)
}

/** File descriptors that a process has open. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
