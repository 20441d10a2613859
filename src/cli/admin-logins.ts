import type { Login, Logins } from '../admin/login.ts'
import { BasicScheme } from '../auth/basic.ts'
import { ForwardClient } from '../auth/forward.ts'
import { HashThread } from '../auth/hash-thread.ts'
import { AddressSet } from '../base/address-set.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config/load.ts'
import { forwardLogin } from './forward-login.ts'

/** Who may use the admin port. */
export interface AdminLogins {
  readonly logins: Logins
  close(): Promise<void>
}

/** The schemes of `proxy.auth` that `ui.auth` names, apart from those of the traffic: they are used by other people. */
export function startLogins(config: Config, world: World, log: Log): AdminLogins {
  const hasher = new HashThread()
  const parts = { hasher, clock: world.clock, log }
  const trusted = new AddressSet(config['proxy.trusted'])
  const endings: (() => void | Promise<void>)[] = []
  const start = (name: string): Login => {
    const options = config['proxy.auth'].find((scheme) => scheme.name === name)
    if (options?.type === 'basic') {
      const scheme = new BasicScheme(options, parts)
      endings.push(() => scheme.close())
      return basicLogin(scheme)
    }
    // The configuration was refused where it names no scheme, or one of another type.
    if (options?.type !== 'forward') throw new Error(`ui.auth: no basic or forward scheme is called ${name}`)
    const client = new ForwardClient(options, parts)
    endings.push(() => client.close())
    return forwardLogin(options, client, trusted)
  }
  const started = new Map<string, Login>()
  const login = (name: string): Login | null => {
    if (name === '') return null
    const known = started.get(name) ?? start(name)
    started.set(name, known)
    return known
  }
  const { read, write } = config['ui.auth']
  return {
    logins: { read: login(read), write: login(write) },
    async close() {
      await Promise.all([hasher.close(), ...endings.map((end) => end())])
    },
  }
}

const basicLogin = (scheme: BasicScheme): Login => ({
  async ask({ fields }) {
    const at = fields.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')
    if (await scheme.check(at === -1 ? '' : fields[at + 1]!)) return { isAllowed: true, fields: [] }
    return {
      isAllowed: false,
      status: 401,
      fields: ['WWW-Authenticate', scheme.challenge, 'Content-Type', 'text/plain; charset=utf-8'],
      // In fabio's words (reference 6.11).
      body: Buffer.from('authorization failed\n'),
    }
  },
})
