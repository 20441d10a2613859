import { UndiciClient } from '../../src/upstream/undici-client.ts'
import { upstreamClientContract } from '../contract/upstream-client.ts'

upstreamClientContract('undici', (address, options, wheel) => new UndiciClient(address, options, wheel))
