import { systemWorld } from '../../src/base/world.ts'
import { startEmbeddedRegistry } from '../../src/registry/embedded/server.ts'
import { announce, endWithParent } from './child.ts'

// The Consul that gatehouse watches during a run: the embedded registry in a process of its own, so that its CPU time
// is nobody's.
endWithParent()
const registry = await startEmbeddedRegistry({ port: 0, world: systemWorld })
announce(registry.port)
