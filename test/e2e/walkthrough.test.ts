import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { startConsul } from '../support/consul.ts'
import { walkthrough } from './walkthrough.ts'

walkthrough('a real Consul', startConsul)

walkthrough('the embedded registry', async () => {
  const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
  return { url: registry.url, stop: () => registry.close() }
})
