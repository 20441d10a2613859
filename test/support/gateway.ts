import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { systemWorld } from '../../src/base/world.ts'
import type { CommandContext } from '../../src/cli/command.ts'
import { type Gateway, startGateway } from '../../src/cli/gateway.ts'
import { loadSettings } from '../../src/cli/settings.ts'

/** A whole gateway in this process, on free ports. */
export interface TestGateway {
  readonly gateway: Gateway
  /** `http://127.0.0.1:PORT` of the traffic. */
  readonly url: string
  readonly port: number
  readonly adminUrl: string
  /** Lines of the application log. */
  readonly log: readonly string[]
  stop(): Promise<number>
}

/**
 * @param flags beside the ports and the address of Consul
 * @param assets the folder of the built page; that of the last `npm run build`, if nothing else is said
 */
export async function startTestGateway(
  consulUrl: string,
  flags: readonly string[] = [],
  assets = fileURLToPath(new URL('../../dist/ui', import.meta.url)),
  version = '0.0.0-test',
): Promise<TestGateway> {
  const log: string[] = []
  const stop = new AbortController()
  const context: CommandContext = {
    argv: [
      ...['-registry.consul.addr', consulUrl],
      ...['-proxy.addr', '127.0.0.1:0'],
      ...['-ui.addr', '127.0.0.1:0'],
      ...flags,
    ],
    env: {},
    interfaces: {},
    hostname: 'test',
    version,
    assets,
    world: systemWorld,
    readFile: (path) => readFile(path, 'utf8'),
    readFolder: () => Promise.resolve([]),
    print: (text) => log.push(text),
    complain: (text) => log.push(text),
    writeOut: (octets, done) => {
      log.push(octets.toString('latin1'))
      done(null)
    },
    checkWritable: () => Promise.resolve(),
    pid: 1,
    usage: () => ({ cpuSeconds: 1, residentBytes: 2, heapBytes: 3, busySeconds: 4 }),
    cores: 1,
    openFiles: null,
    fork: null,
    onHangup() {},
    onReplaceWorkers() {},
    stop: stop.signal,
    onHastyStop() {},
  }
  const gateway = await startGateway(await loadSettings(context), context)
  const port = gateway.listeners[0]!.port
  return {
    gateway,
    url: `http://127.0.0.1:${port}`,
    port,
    adminUrl: `http://127.0.0.1:${gateway.adminPort}`,
    log,
    stop: () => gateway.stop(),
  }
}
