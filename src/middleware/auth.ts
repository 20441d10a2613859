import { BasicScheme } from '../auth/basic.ts'
import { ForwardClient } from '../auth/forward.ts'
import { type Hasher, HashThread } from '../auth/hash-thread.ts'
import { JwtScheme } from '../auth/jwt.ts'
import type { SchemeOptions } from '../auth/scheme.ts'
import { GatewayError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { World } from '../base/world.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Middleware, Verdict } from '../proxy/plan.ts'
import { basicAuth } from './basic-auth.ts'
import { forwardAuth } from './forward-auth.ts'
import { jwtAuth } from './jwt-auth.ts'
import { refuse } from './refuse.ts'

/** The schemes of `proxy.auth`. They live as long as the traffic plane, whatever tables come and go. */
export interface AuthSteps {
  /** The step of a scheme; one that lets nobody pass where there is no such scheme. */
  step(name: string): Middleware
  /** Reads files and keys. Before, nobody passes: a traffic plane that only explains needs none of it. */
  start(): void
  close(): Promise<void>
}

export interface AuthParts {
  readonly world: World
  readonly log: Log
}

export function createAuth(schemes: readonly SchemeOptions[], parts: AuthParts): AuthSteps {
  const hasher = new HashThread()
  const steps = new Map(schemes.map((options) => [options.name, new SchemeStep(options)]))
  return {
    step: (name) => steps.get(name) ?? nobody(name),
    start() {
      for (const step of steps.values()) step.start(hasher, parts)
    },
    async close() {
      await Promise.all([hasher.close(), ...[...steps.values()].map((step) => step.close())])
    },
  }
}

/** One scheme as the step of the routes that name it. */
class SchemeStep implements Middleware {
  readonly name: string
  readonly hasEffects = true
  readonly #options: SchemeOptions
  #scheme: { readonly step: Middleware; close(): void | Promise<void> } | null = null

  constructor(options: SchemeOptions) {
    this.name = `auth ${options.name}`
    this.#options = options
  }

  start(hasher: Hasher, parts: AuthParts): void {
    this.#scheme = started(this.#options, hasher, parts)
  }

  run(exchange: Exchange): Verdict | Promise<Verdict> {
    if (this.#scheme !== null) return this.#scheme.step.run(exchange)
    return refuse(new GatewayError('GW_GUARD_FAILED', `${this.name} was not started`))
  }

  async close(): Promise<void> {
    await this.#scheme?.close()
  }
}

function started(options: SchemeOptions, hasher: Hasher, { world, log }: AuthParts) {
  switch (options.type) {
    case 'basic': {
      const scheme = new BasicScheme(options, { hasher, clock: world.clock, log })
      return { step: basicAuth(options.name, scheme), close: () => scheme.close() }
    }
    case 'forward': {
      const client = new ForwardClient(options, { clock: world.clock, log })
      return { step: forwardAuth(options, client), close: () => client.close() }
    }
    case 'jwt': {
      const scheme = new JwtScheme(options, { world, log })
      return { step: jwtAuth(options, scheme), close: () => scheme.close() }
    }
  }
}

/** The control plane leaves routes with an unknown scheme closed; this is for tables that nobody has looked at. */
const nobody = (name: string): Middleware => ({
  name: `auth ${name}`,
  hasEffects: false,
  run: () => refuse(new GatewayError('GW_FORBIDDEN', `no scheme of proxy.auth is called ${name}`)),
})
