import { startConsul } from '../support/consul.ts'
import { consulApiContract } from './consul-api.ts'

consulApiContract('a real agent as Consul', () => startConsul())
