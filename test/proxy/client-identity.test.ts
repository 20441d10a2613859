import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AddressSet, parseAddressBlock } from '../../src/base/address-set.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileIdentity } from '../../src/proxy/client-identity.ts'
import type { ClientSide, Exchange } from '../../src/proxy/exchange.ts'
import { requestScheme } from '../../src/proxy/forwarding-fields.ts'
import { compileRequestLines, type ForwardingOptions } from '../../src/proxy/headers.ts'
import { clientSide, exchangeOf } from '../support/exchange.ts'

const proxies = ['10.0.0.0/8', '2001:db8:1::/48']
const blocks = proxies.map((text) => parseAddressBlock(text)!)

const options: ForwardingOptions = {
  clientIpHeader: 'X-Client-Ip',
  requestIdHeader: '',
  tlsHeader: '',
  tlsValue: '',
  localIp: '192.168.0.5',
  newId: () => 'id',
}

function identified(remoteAddress: string, fields: string[], client: Partial<ClientSide> = {}): Exchange {
  const exchange = exchangeOf({ fields: sectionOf(fields) }, { remoteAddress, ...client })
  compileIdentity(blocks)!(exchange)
  return exchange
}

describe('with proxy.trusted, the client', () => {
  test.each([
    // whoever is not trusted is the client, whatever they say
    ['198.51.100.1', [], '198.51.100.1'],
    ['198.51.100.1', ['X-Forwarded-For', '10.0.0.9'], '198.51.100.1'],
    ['198.51.100.1', ['Forwarded', 'for=10.0.0.9'], '198.51.100.1'],
    ['198.51.100.1', ['X-Real-Ip', '10.0.0.9'], '198.51.100.1'],
    // the last hop that is not trusted
    ['10.0.0.1', [], '10.0.0.1'],
    ['10.0.0.1', ['X-Forwarded-For', '203.0.113.9'], '203.0.113.9'],
    ['10.0.0.1', ['X-Forwarded-For', '1.1.1.1, 203.0.113.9'], '203.0.113.9'],
    ['10.0.0.1', ['X-Forwarded-For', '1.1.1.1, 203.0.113.9, 10.0.0.2'], '203.0.113.9'],
    ['10.0.0.1', ['X-Forwarded-For', '203.0.113.9', 'X-Forwarded-For', '10.0.0.2'], '203.0.113.9'],
    ['10.0.0.1', ['X-Forwarded-For', '203.0.113.9,, 10.0.0.2 ,'], '203.0.113.9'],
    // all of them are
    ['10.0.0.1', ['X-Forwarded-For', '10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    // spellings
    ['10.0.0.1', ['X-Forwarded-For', '203.0.113.9:51234'], '203.0.113.9'],
    ['10.0.0.1', ['X-Forwarded-For', '[2001:DB8:2::1]:443'], '2001:db8:2::1'],
    ['2001:db8:1::1', ['X-Forwarded-For', '2001:db8:2::1, ::ffff:10.0.0.2'], '2001:db8:2::1'],
    // nobody knows
    ['10.0.0.1', ['X-Forwarded-For', 'unknown'], 'unknown'],
    ['10.0.0.1', ['X-Forwarded-For', '203.0.113.9, secret, 10.0.0.2'], 'unknown'],
    ['10.0.0.1', ['X-Forwarded-For', 'garbage, 203.0.113.9'], '203.0.113.9'],
    ['10.0.0.1', ['Forwarded', 'for=unknown'], 'unknown'],
    ['10.0.0.1', ['Forwarded', 'proto=https'], 'unknown'],
    // Forwarded, where nothing else is there
    ['10.0.0.1', ['Forwarded', 'for=1.1.1.1, for=203.0.113.9;by=10.0.0.2'], '203.0.113.9'],
    ['10.0.0.1', ['Forwarded', 'for=203.0.113.9', 'Forwarded', 'for="10.0.0.2:80"'], '203.0.113.9'],
    ['10.0.0.1', ['Forwarded', 'for="[2001:db8:2::1]"'], '2001:db8:2::1'],
    ['10.0.0.1', ['Forwarded', 'for=1.1.1.1', 'X-Forwarded-For', '203.0.113.9'], '203.0.113.9'],
    ['10.0.0.1', ['Forwarded', 'for=1.1.1.1', 'X-Forwarded-For', ' , '], '1.1.1.1'],
    // What makes it unreadable may be the client's: it must not become the proxy that passed it on.
    ['10.0.0.1', ['Forwarded', 'for=", for=203.0.113.9'], 'unknown'],
  ])('of a connection from %s with %j is %s', (peer, fields, expected) => {
    expect(identified(peer, fields).clientAddress).toBe(expected)
  })

  test('never is who a client says it is: what it sends to a trusted proxy changes nothing', () => {
    const said = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('10.0.0.1', 'unknown', '', '"', 'for=10.0.0.1'),
    )
    const trusted = new AddressSet(blocks)
    const outside = fc.ipV4().filter((address) => !trusted.has(address))
    const way = fc.array(fc.constantFrom('10.0.0.2', '10.3.0.4', '2001:db8:1::7'), { maxLength: 3 })
    fc.assert(
      fc.property(fc.array(said), outside, way, (forged, client, hops) => {
        const told = [...forged, client, ...hops].join(', ')
        expect(identified('10.0.0.1', ['X-Forwarded-For', told]).clientAddress).toBe(client)
      }),
    )
  })

  test.each([
    ['198.51.100.1', ['X-Forwarded-Proto', 'https'], {}, 'http'],
    ['198.51.100.1', ['X-Forwarded-Proto', 'http'], { secure: true }, 'https'],
    ['10.0.0.1', ['X-Forwarded-Proto', 'https'], {}, 'https'],
    ['10.0.0.1', ['X-Forwarded-Proto', 'HTTPS, http'], {}, 'https'],
    ['10.0.0.1', ['X-Forwarded-Proto', '"><script>'], {}, 'http'],
    ['10.0.0.1', ['Forwarded', 'for=1.1.1.1;proto=https'], {}, 'https'],
    ['10.0.0.1', ['Forwarded', 'for=1.1.1.1;proto=https, for=2.2.2.2;proto=http'], {}, 'http'],
    ['10.0.0.1', [], { secure: true }, 'https'],
  ])('of a connection from %s with %j, %j, used %s', (peer, fields, client, expected) => {
    expect(requestScheme(identified(peer, fields, client))).toBe(expected)
  })
})

function sent(
  remoteAddress: string,
  fields: string[],
  client: Partial<ClientSide> = {},
): Map<string, string[]> {
  const exchange = identified(remoteAddress, fields, client)
  const lines = compileRequestLines(options)(exchange, 'host-of-the-option', {
    prefixLine: '',
    request: null,
  })
  const byName = new Map<string, string[]>()
  for (const line of lines.split('\r\n').slice(0, -1)) {
    const [name = '', value = ''] = line.split(/: (.*)/)
    byName.set(name.toLowerCase(), [...(byName.get(name.toLowerCase()) ?? []), value])
  }
  return byName
}

const forged = [
  ...['X-Forwarded-For', '6.6.6.6', 'X-Forwarded-Proto', 'gopher', 'X-Forwarded-Host', 'evil.test'],
  ...['X-Forwarded-Port', '666', 'X-Forwarded-Prefix', '/evil', 'X-Real-Ip', '6.6.6.6'],
  ...['Forwarded', 'for=6.6.6.6;proto=https', 'X-Client-Ip', '6.6.6.6', 'x-forwarded-user', 'root'],
  ...['X_Forwarded_For', '6.6.6.6', 'x_real_ip', '6.6.6.6', 'X_Client-Ip', '6.6.6.6', 'X_Own', 'kept'],
]

describe('with proxy.trusted, the upstream', () => {
  test('gets nothing of what somebody who is not trusted says of the way here', () => {
    expect(Object.fromEntries(sent('198.51.100.1', ['Accept', '*/*', ...forged]))).toEqual({
      host: ['host-of-the-option'],
      accept: ['*/*'],
      x_own: ['kept'],
      'x-client-ip': ['198.51.100.1'],
      'x-real-ip': ['198.51.100.1'],
      'x-forwarded-for': ['198.51.100.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-port': ['80'],
      'x-forwarded-host': ['shop.test'],
      forwarded: ['for=198.51.100.1;by=192.168.0.5;host=shop.test;proto=http'],
    })
  })

  test('gets what a trusted proxy says, extended', () => {
    const told = [
      ...['X-Forwarded-For', '6.6.6.6, 203.0.113.9', 'X-Forwarded-Proto', 'https'],
      ...['X-Forwarded-Host', 'www.shop.test', 'X-Forwarded-Prefix', '/shop', 'X-Real-Ip', '6.6.6.6'],
      ...['Forwarded', 'for=203.0.113.9;proto=https', 'X-Forwarded-User', 'ada'],
    ]
    expect(Object.fromEntries(sent('10.0.0.1', told))).toEqual({
      host: ['host-of-the-option'],
      'x-forwarded-user': ['ada'],
      'x-client-ip': ['203.0.113.9'],
      'x-real-ip': ['203.0.113.9'],
      'x-forwarded-for': ['6.6.6.6, 203.0.113.9, 10.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-port': ['443'],
      'x-forwarded-host': ['www.shop.test'],
      'x-forwarded-prefix': ['/shop'],
      forwarded: ['for=203.0.113.9;proto=https, for=10.0.0.1;by=192.168.0.5;host=shop.test;proto=http'],
    })
  })

  test('gets IPv6 in Forwarded as RFC 7239 has it', () => {
    expect(sent('2001:db8:2::1', []).get('forwarded')).toEqual([
      'for="[2001:db8:2::1]";by=192.168.0.5;host=shop.test;proto=http',
    ])
  })

  test('is told no address of a client that has none, and not that of the proxy', () => {
    const fields = sent('10.0.0.1', ['X-Forwarded-For', 'unknown', 'X-Client-Ip', '6.6.6.6'])
    expect([fields.get('x-real-ip'), fields.get('x-client-ip')]).toEqual([undefined, undefined])
    expect(fields.get('x-forwarded-for')).toEqual(['unknown, 10.0.0.1'])
  })

  test('gets no Forwarded that nobody can read: it is written anew', () => {
    expect(sent('10.0.0.1', ['Forwarded', 'for=1.1.1.1;;httpproto=http/1.1']).get('forwarded')).toEqual([
      'for=10.0.0.1;by=192.168.0.5;host=shop.test;proto=http',
    ])
  })

  test('gets each of these once, whatever a client that is not trusted sends', () => {
    const name = fc.constantFrom(...forged.filter((_, index) => index % 2 === 0), 'Connection', 'X-Other')
    const value = fc.constantFrom(
      '',
      '6.6.6.6',
      'close',
      'X-Forwarded-For, x-real-ip, forwarded, x-client-ip',
    )
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 12 })
    fc.assert(
      fc.property(pairs, (some) => {
        const fields = sent('198.51.100.1', some.flat())
        for (const one of ['x-client-ip', 'x-real-ip', 'x-forwarded-for']) {
          expect(fields.get(one), one).toEqual(['198.51.100.1'])
        }
        expect(fields.get('forwarded')).toHaveLength(1)
        fields.delete('x-other')
        fields.delete('x_own')
        expect([...fields.values()].flat()).not.toContain('6.6.6.6')
      }),
    )
  })
})

test('without proxy.trusted nobody is identified, and the client is the peer', () => {
  expect(compileIdentity([])).toBe(null)
  expect(exchangeOf({}, clientSide()).clientAddress).toBe('192.0.2.7')
})
