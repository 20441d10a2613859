import { afterEach, describe, expect, test } from 'vitest'
import { parseAddressBlock } from '../../src/base/address-set.ts'
import { startOrigin } from '../support/origin.ts'
import { tcpHeader, textHeader } from '../support/proxy-header.ts'
import { RawClient } from '../support/raw-client.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A gateway whose clients see what the service is told of them. */
async function started(trusted: string[] = [], timeout = 250) {
  const web = await startOrigin(({ headers }, response) =>
    response.end(`<${headers['x-forwarded-for']} ${headers['x-client-ip']}>`),
  )
  cleanups.push(() => web.close())
  const gateway = await startTraffic([serviceRoutes('web', definition('web', '/', web.url))], {
    listener: { proxyProtocol: { timeout } },
    handler: { trusted: trusted.map((text) => parseAddressBlock(text)!), clientIpHeader: 'X-Client-Ip' },
  })
  cleanups.push(() => gateway.close())
  return gateway
}

function rawClient(port: number): RawClient {
  const client = new RawClient(port)
  cleanups.push(() => client.close())
  return client
}

const get = (fields = ''): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const said = (text: string): string[] => text.match(/<[^>]*>/g) ?? []

describe('a listener with pxyproto=true', () => {
  test.each([
    ['version 1', textHeader('192.0.2.7')],
    ['version 2', tcpHeader('192.0.2.7').toString('latin1')],
    ['version 2 over IPv6', tcpHeader('2001:db8::7').toString('latin1')],
  ])('tells services of the client that a header of %s tells of', async (what, header) => {
    const { port } = await started()
    const client = rawClient(port).send(header + get())
    await client.until('>')
    client.send(get())
    const address = what.includes('IPv6') ? '2001:db8::7' : '192.0.2.7'
    await client.until('>HTTP/1.1')
    await client.until(`<${address} ${address}>`)
  })

  test('serves whoever sends no header', async () => {
    const { port } = await started()
    expect(said(await rawClient(port).send(get()).until('>'))).toEqual(['<127.0.0.1 127.0.0.1>'])
  })

  test('serves whoever says nothing for longer than pxytimeout', async () => {
    const { port, metricsText } = await started([], 100)
    const client = rawClient(port)
    await expect.poll(metricsText).toContain('gatehouse_connections_open 1')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(said(await client.send(get()).until('>'))).toEqual(['<127.0.0.1 127.0.0.1>'])
  })

  test('believes nobody but proxy.trusted', async () => {
    const { port } = await started(['10.0.0.0/8'])
    const client = rawClient(port).send(textHeader('192.0.2.7') + get())
    expect(said(await client.until('>'))).toEqual(['<127.0.0.1 127.0.0.1>'])
  })

  test('believes the fields of whom a trusted header names, where that one is trusted too', async () => {
    const { port } = await started(['127.0.0.0/8', '10.0.0.0/8'])
    const fields = 'X-Forwarded-For: 203.0.113.9\r\n'
    const proxy = rawClient(port).send(textHeader('10.0.0.1') + get(fields))
    expect(said(await proxy.until('>'))).toEqual(['<203.0.113.9, 10.0.0.1 203.0.113.9>'])
    const client = rawClient(port).send(textHeader('192.0.2.7') + get(fields))
    expect(said(await client.until('>'))).toEqual(['<192.0.2.7 192.0.2.7>'])
  })

  test('refuses a header that is none with words, and counts it', async () => {
    const { port, metricsText } = await started()
    const answer = await rawClient(port).send(`PROXY TCP4 x y 1 2\r\n${get()}`).untilClosed()
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*X-Gatehouse-Error: GW_BAD_REQUEST\r\n/)
    expect(answer).toContain('the request is malformed: a PROXY header with an address that is not of TCP4\n')
    expect(await metricsText()).toContain('gatehouse_refused{code="400"} 1')
  })
})

test('a listener without pxyproto takes a PROXY header for what it is to HTTP: malformed', async () => {
  const web = await startOrigin((_message, response) => response.end('served'))
  cleanups.push(() => web.close())
  const gateway = await startTraffic([serviceRoutes('web', definition('web', '/', web.url))])
  cleanups.push(() => gateway.close())
  const answer = await rawClient(gateway.port)
    .send(textHeader('192.0.2.7') + get())
    .untilClosed()
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(web.received).toEqual([])
})
