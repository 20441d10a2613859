import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { consulApiContract } from './consul-api.ts'

consulApiContract('the embedded registry as Consul', async () => {
  const { url, node, close } = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  return { url, node, stop: close }
})
