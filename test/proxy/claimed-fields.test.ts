import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listOfLines, sectionOf } from '../../src/http1/field-section.ts'
import { compileRequestLines } from '../../src/proxy/headers.ts'
import { exchangeOf } from '../support/exchange.ts'
import { valuesOf } from '../support/handled.ts'

/** Every field that the gateway writes by itself, the framing of the connection apart. */
const written = [
  'X-Client',
  'X-Id',
  'X-Tls',
  'X-Forwarded-Prefix',
  'X-Real-Ip',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Host',
  'Forwarded',
  'Traceparent',
]
const requestLines = compileRequestLines({
  clientIpHeader: 'X-Client',
  requestIdHeader: 'X-Id',
  tlsHeader: 'X-Tls',
  tlsValue: 'true',
  localIp: '10.0.0.9',
  newId: () => 'id',
})

/** What the route writes. */
const changes = fc.record({
  except: fc.option(fc.subarray(written).map((names) => new Set(names.map((name) => name.toLowerCase())))),
  lines: fc.subarray(written).map((names) => names.map((name) => `${name}: route\r\n`).join('')),
})

// A guard that claims X-User, with proxy.header.clientip = X-User: the instance got both lines where the route changed
// no fields, and one where it did.
describe('a field that a guard claims', () => {
  test('has what the guard says and nothing else, whatever the client, the gateway and the route say', () => {
    const claim = fc.record({
      claimed: fc.subarray(written, { minLength: 1 }),
      said: fc.boolean(),
      sent: fc.subarray(written),
      route: fc.option(changes),
      isPeerTrusted: fc.constantFrom(null, true, false),
      prefixLine: fc.constantFrom('', 'X-Forwarded-Prefix: /shop\r\n'),
      isTraced: fc.boolean(),
      secure: fc.boolean(),
    })
    fc.assert(
      fc.property(claim, ({ claimed, said, sent, route, isPeerTrusted, prefixLine, isTraced, secure }) => {
        const fields = sectionOf(['Host', 'shop.test', ...sent.flatMap((name) => [name, '192.0.2.1'])])
        const exchange = exchangeOf({ fields }, { secure })
        exchange.isPeerTrusted = isPeerTrusted
        if (isTraced) {
          const except = new Set(['traceparent'])
          exchange.trace = { traceId: 'a', lines: 'Traceparent: trace\r\n', except }
        }
        exchange.requestExcept = new Set(claimed.map((name) => name.toLowerCase()))
        exchange.requestLines = said ? claimed.map((name) => `${name}: guard\r\n`).join('') : ''
        const lines = listOfLines(requestLines(exchange, 'shop.test', { prefixLine, request: route }))
        for (const name of claimed) expect(valuesOf(lines, name), name).toEqual(said ? ['guard'] : [])
        expect(valuesOf(lines, 'Host')).toEqual(['shop.test'])
        const others = written.filter((name) => !claimed.includes(name) && name !== 'Traceparent')
        // The gateway's own words for what nobody claims are still there.
        if (route === null && others.includes('X-Forwarded-For'))
          expect(valuesOf(lines, 'X-Forwarded-For')).toHaveLength(1)
      }),
    )
  })
})
