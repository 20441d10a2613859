import { expect, test } from 'vitest'
import { GatewayError } from '../../src/base/errors.ts'
import { createLog } from '../../src/base/log.ts'
import { FailureLog } from '../../src/proxy/failure-log.ts'
import { exchangeOf } from '../support/exchange.ts'
import { FakeClock } from '../support/fake-clock.ts'

// Failures had a limit of their own once, ten in a second: what was logged was cut twice, `log.limit = 0` did not show
// all of them, and two lines told of what was left out in two ways.
test.each([
  [5, 50],
  [0, 200],
])('of an upstream that is down are told as often as log.limit %i lets any line be', async (limit, most) => {
  const clock = new FakeClock()
  const lines: string[] = []
  const write = (line: string): number => lines.push(line)
  const log = createLog({ level: 'INFO', format: 'plain', limit }, { clock, write, worker: null })
  const failures = new FailureLog(log)
  const fail = (): void =>
    failures.failed(exchangeOf(), new GatewayError('GW_CONNECT_REFUSED', 'connect ECONNREFUSED'))

  for (let n = 0; n < 200; n++) fail()
  expect(lines.filter((line) => line.includes('(upstream-failed)'))).toHaveLength(most)
  await clock.advance(1_000)
  fail()
  const told = lines.filter((line) => line.includes('(left-out)'))
  expect(told).toHaveLength(limit === 0 ? 0 : 1)
  if (limit > 0) expect(told[0]).toContain('150 more lines like proxy: … (upstream-failed) within 1.0 s')
})
