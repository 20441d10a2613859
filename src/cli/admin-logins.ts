import type { Login, Logins } from '../admin/guard.ts'
import { BasicScheme } from '../auth/basic.ts'
import { HashThread } from '../auth/hash-thread.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config/load.ts'

/** Who may use the admin port. */
export interface AdminLogins {
  readonly logins: Logins
  close(): Promise<void>
}

/** The schemes of `proxy.auth` that `ui.auth` names, apart from those of the traffic: they are used by other people. */
export function startLogins(config: Config, world: World, log: Log): AdminLogins {
  const hasher = new HashThread()
  const started = new Map<string, BasicScheme>()
  const login = (name: string): Login | null => {
    if (name === '') return null
    const options = config['proxy.auth'].find((scheme) => scheme.name === name)
    // The configuration was refused where it names no scheme, or one of another type.
    if (options?.type !== 'basic') throw new Error(`ui.auth: no basic scheme is called ${name}`)
    const scheme = started.get(name) ?? new BasicScheme(options, { hasher, clock: world.clock, log })
    started.set(name, scheme)
    return scheme
  }
  const { read, write } = config['ui.auth']
  return {
    logins: { read: login(read), write: login(write) },
    async close() {
      for (const scheme of started.values()) scheme.close()
      await hasher.close()
    },
  }
}
