import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parseAddressBlock } from '../../src/base/address-set.ts'
import { sectionOf } from '../../src/http1/field-section.ts'
import { compileIdentity } from '../../src/proxy/client-identity.ts'
import { compileRequestLines } from '../../src/proxy/headers.ts'
import { exchangeOf } from '../support/exchange.ts'

const page = await readFile(new URL('../../docs/client-identity.md', import.meta.url), 'utf8')
const pattern = /^```request(?: trusted=(\S+))?\nfrom (\S+)\n(.*?)^```\n\n```upstream\n(.*?)^```\n/gms
const examples = [...page.matchAll(pattern)].map(
  ([, trusted = '', peer = '', request = '', upstream = '']) => ({
    trusted,
    peer,
    request: request.trim().split('\n'),
    upstream: upstream.trim().split('\n'),
  }),
)

describe('docs/client-identity.md', () => {
  test('has an example of each way', () => {
    expect(examples.map(({ trusted }) => trusted)).toEqual(['', '10.0.0.0/8', '10.0.0.0/8'])
  })

  test.each(examples)('what comes from $peer, with "$trusted" trusted, goes on as it says', (example) => {
    const { trusted, peer, request, upstream } = example
    const fields = request.flatMap((line) => line.split(': '))
    const exchange = exchangeOf({ fields: sectionOf(fields), host: 'shop.test' }, { remoteAddress: peer })
    const blocks = trusted === '' ? [] : [parseAddressBlock(trusted)!]
    compileIdentity(blocks)?.(exchange)
    const options = { clientIpHeader: '', requestIdHeader: '', tlsHeader: '', tlsValue: '', localIp: '' }
    const write = compileRequestLines({ ...options, newId: () => 'id' })
    const lines = write(exchange, 'shop.test', { prefixLine: '', request: null })
    expect(lines.split('\r\n').slice(0, -1)).toEqual(upstream)
  })
})
