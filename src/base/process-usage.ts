/** What the system says of a process. */
export interface ProcessUsage {
  /** User and system time since its start, all threads. */
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapBytes: number
  /** Time in which its event loop was not idle, since its start. */
  readonly busySeconds: number
}
