import { strategyNames } from '../../src/balance/strategies.ts'
import { strategyContract } from '../contract/strategy.ts'

for (const strategy of strategyNames) strategyContract(strategy)
