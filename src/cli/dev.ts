import Consul from 'consul'
import { messageOf, StartError } from '../base/errors.ts'
import { localAddress } from '../config/templates.ts'
import type { ConsulAddress } from '../registry/consul/client.ts'
import { startEmbeddedRegistry } from '../registry/embedded/server.ts'
import type { Command, CommandContext } from './command.ts'
import { endGateway, type Gateway, startGateway, untilStopped } from './gateway.ts'
import { type HelloService, startHello } from './hello.ts'
import { consulAt, isLoopback, loadSettings } from './settings.ts'

/**
 * `gatehouse dev`: everything that is needed to see a gateway work. Where no Consul answers at the configured address
 * a registry of our own with the same API starts there; two instances of a sample service register with it.
 */
export const dev: Command = async (context) => {
  const loaded = await loadSettings(context)
  const consul = consulAt(loaded.config)
  const closers: (() => Promise<void> | void)[] = []
  try {
    const isEmbedded = !(await answers(consul))
    if (isEmbedded) closers.push(await startRegistry(consul, context))
    const gateway = await startGateway(loaded, context)
    try {
      closers.push(await startSamples(consul, loaded.config['registry.consul.token'], context))
      await untilServed(gateway, context.stop)
      context.print(welcome({ gateway, consul, isEmbedded }))
      await untilStopped(context.stop)
    } finally {
      for (const close of closers.splice(isEmbedded ? 1 : 0)) await close()
      await endGateway(gateway, loaded.config)
    }
    return 0
  } finally {
    for (const close of closers) await close()
  }
}

const urlOf = ({ scheme, host, port }: ConsulAddress): string => `${scheme}://${host}:${port}`

/** Whether something that speaks Consul's API is there. */
async function answers(consul: ConsulAddress): Promise<boolean> {
  try {
    const answer = await fetch(`${urlOf(consul)}/v1/status/leader`, { signal: AbortSignal.timeout(2_000) })
    await answer.arrayBuffer()
    return true
  } catch {
    return false
  }
}

async function startRegistry(
  consul: ConsulAddress,
  { world, print }: CommandContext,
): Promise<() => Promise<void>> {
  if (!isLoopback(consul.host) || consul.scheme !== 'http') {
    throw new StartError(
      `registry.consul.addr: expected Consul to answer at ${urlOf(consul)}, got no answer; ` +
        'the embedded registry is for localhost only',
    )
  }
  print(`no Consul at ${urlOf(consul)}: starting the embedded registry there\n`)
  // By its name it might be bound for IPv6 alone, and everybody tries 127.0.0.1 sooner or later.
  const host = consul.host === 'localhost' ? '127.0.0.1' : consul.host.replace(/^\[|\]$/g, '')
  const registry = await startEmbeddedRegistry({ host, port: consul.port, world })
  return () => registry.close()
}

/** Registers two instances as Registrator would; the returned function withdraws them. */
async function startSamples(
  { scheme, host, port }: ConsulAddress,
  token: string,
  context: CommandContext,
): Promise<() => Promise<void>> {
  const address = isLoopback(host) ? '127.0.0.1' : (localAddress(context.interfaces) ?? '127.0.0.1')
  const api = new Consul({
    host: host.replace(/^\[|\]$/g, ''),
    port,
    secure: scheme === 'https',
    ...(token === '' ? {} : { defaults: { token } }),
  })
  // The package has this option and not its types: without it a Consul that hangs would hold up the end.
  const limited = { timeout: 3_000 }
  const samples: HelloService[] = []
  const idOf = (sample: HelloService): string => `gatehouse-dev:${sample.name}:${sample.port}`
  const withdraw = async (): Promise<void> => {
    for (const sample of samples.splice(0)) {
      // The registry may be gone before us: the services then went with it.
      await api.agent.service.deregister({ id: idOf(sample), ...limited }).catch(() => {})
      sample.close()
    }
    api.destroy()
  }
  try {
    for (const name of ['hello-1', 'hello-2']) {
      const sample = await startHello(name, address)
      samples.push(sample)
      await api.agent.service.register({
        name: 'hello',
        id: idOf(sample),
        address,
        port: sample.port,
        tags: ['urlprefix-/foo', 'hello'],
        check: {
          name: 'answers on /foo/healthcheck',
          http: `http://${address}:${sample.port}/foo/healthcheck`,
          interval: '1s',
          timeout: '5s',
          // A crash of this process must not leave its services behind in a real Consul.
          deregistercriticalserviceafter: '1m',
        },
      })
    }
  } catch (error) {
    await withdraw()
    throw new StartError(`dev: cannot register the sample service: ${messageOf(error)}`, { cause: error })
  }
  return withdraw
}

/** Resolves once both samples pass their checks and are routed, or the command is told to stop. */
function untilServed({ control }: Gateway, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unsubscribe()
      resolve()
    }
    const look = (): void => {
      const route = control.table().routes.find(({ host, path }) => host === '' && path === '/foo')
      const served = route?.targets.filter(({ service, routed }) => service === 'hello' && routed) ?? []
      if (served.length >= 2) done()
    }
    const unsubscribe = control.subscribe(look)
    stop.addEventListener('abort', done, { once: true })
    look()
  })
}

function welcome(parts: { gateway: Gateway; consul: ConsulAddress; isEmbedded: boolean }): string {
  const { gateway, consul, isEmbedded } = parts
  const registry = `${urlOf(consul)} (${isEmbedded ? 'the embedded registry: gone when this ends' : 'your Consul'})`
  const port = gateway.listeners[0]?.port ?? 9999
  const admin = `http://localhost:${gateway.adminPort}`
  return `
  Gatehouse routes. Two instances of the sample service "hello" are registered and healthy.

    traffic    http://localhost:${port}
    UI         ${admin}
    registry   ${registry}

  Try it:

    curl http://localhost:${port}/foo

  Register a service of your own, here one that listens on port 8080:

    curl -X PUT ${urlOf(consul)}/v1/agent/service/register -d '{
      "Name": "mine", "Address": "127.0.0.1", "Port": 8080, "Tags": ["urlprefix-/mine"],
      "Check": { "HTTP": "http://127.0.0.1:8080/", "Interval": "5s" } }'

  and see it at ${admin}/routes. Ctrl-C ends all.

`
}
