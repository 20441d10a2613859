import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where version 1 of control groups has its CPU controller, mounted by itself or together with the accounting. */
const places = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'] as const
/** Microseconds. Short, so that who has used up its part does not sleep long. */
const period = 10_000

/** A control group whose processes have a part of one core together. */
export interface Quota {
  /** Takes the process in, with all its threads. */
  hold(pid: number): void
  /** Whom it holds goes free, or has ended. */
  end(): void
}

/**
 * @param part of one core
 *
 * Throws where the system lets nobody do that.
 */
export function createQuota(name: string, part: number): Quota {
  const place = places.find((each) => existsSync(join(each, 'cpu.cfs_quota_us')))
  if (place === undefined)
    throw new Error(`expected the cpu controller of cgroup v1 in ${places.join(' or ')}, found none`)
  const group = join(place, name)
  mkdirSync(group)
  writeFileSync(join(group, 'cpu.cfs_period_us'), String(period))
  writeFileSync(join(group, 'cpu.cfs_quota_us'), String(Math.round(period * part)))
  return {
    hold: (pid) => writeFileSync(join(group, 'cgroup.procs'), String(pid)),
    end() {
      for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) {
        if (pid !== '') writeFileSync(join(place, 'cgroup.procs'), pid)
      }
      rmdirSync(group)
    },
  }
}
