import { BasicScheme } from '../auth/basic.ts'
import { ForwardClient } from '../auth/forward.ts'
import { HashThread } from '../auth/hash-thread.ts'
import { JwtScheme } from '../auth/jwt.ts'
import type { SchemeOptions } from '../auth/scheme.ts'
import { GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { Middleware } from '../proxy/plan.ts'
import { basicAuth } from './basic-auth.ts'
import { forwardAuth } from './forward-auth.ts'
import { jwtAuth } from './jwt-auth.ts'
import { refuse } from './refuse.ts'

/** The schemes of `proxy.auth`. They live as long as the traffic plane, whatever tables come and go. */
export interface AuthSteps {
  /** The step of a scheme; one that lets nobody pass where there is no such scheme. */
  step(name: string): Middleware
  close(): Promise<void>
}

export interface AuthParts {
  readonly world: World
  readonly log: Log
}

export function startAuth(schemes: readonly SchemeOptions[], { world, log }: AuthParts): AuthSteps {
  const hasher = new HashThread()
  const steps = new Map<string, Middleware>()
  const closers: (() => void | Promise<void>)[] = [() => hasher.close()]
  for (const options of schemes) {
    const { name } = options
    switch (options.type) {
      case 'basic': {
        const scheme = new BasicScheme(options, { hasher, clock: world.clock, log })
        closers.push(() => scheme.close())
        steps.set(name, basicAuth(name, scheme))
        break
      }
      case 'forward': {
        const client = new ForwardClient(options, { clock: world.clock, log })
        closers.push(() => client.close())
        steps.set(name, forwardAuth(options, client))
        break
      }
      case 'jwt': {
        const scheme = new JwtScheme(options, { world, log })
        closers.push(() => scheme.close())
        steps.set(name, jwtAuth(options, scheme))
        break
      }
    }
  }
  return {
    step: (name) => steps.get(name) ?? nobody(name),
    async close() {
      await Promise.all(closers.map((close) => close()))
    },
  }
}

/** The control plane leaves routes with an unknown scheme closed; this is for tables that nobody has looked at. */
const nobody = (name: string): Middleware => ({
  name: `auth ${name}`,
  hasEffects: false,
  run: () => refuse(new GatewayError('GW_FORBIDDEN', `no scheme of proxy.auth is called ${name}`)),
})
