import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/world.ts'
import { circonus } from '../../src/observe/push/circonus.ts'
import { dogstatsd, graphite, type NameOptions, statsd } from '../../src/observe/push/formats.ts'
import { httpTransport, tcpTransport, udpTransport } from '../../src/observe/push/transports.ts'
import { pushFormatContract, pushTransportContract, type Taker } from '../contract/push-target.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

const names: NameOptions = { prefix: 'gate', separator: '.', routeName: '{{.Service}}.{{clean .Path}}' }

pushFormatContract('StatsD', statsd(names), 'gate.')
pushFormatContract('DogStatsD', dogstatsd(names), 'gate.')
pushFormatContract('Graphite', graphite(names), 'gate.')
pushFormatContract('Circonus', circonus(names), 'gate`')

const host = '127.0.0.1'

pushTransportContract(
  'UDP',
  async (): Promise<Taker> => {
    const server = createSocket('udp4')
    const received: string[] = []
    server.on('message', (octets) => received.push(...octets.toString('utf8').split('\n')))
    server.bind(0, host)
    await once(server, 'listening')
    const { port } = server.address()
    let left: Promise<unknown> | null = null
    return {
      transport: udpTransport({ host, port }),
      received: () => received,
      leave: async () => {
        left ??= once(server.close(), 'close')
        await left
      },
    }
  },
  false,
)

pushTransportContract(
  'a connection for each interval',
  async (): Promise<Taker> => {
    const received: string[] = []
    const server = createServer((socket) => {
      void text(socket).then((all) => received.push(...all.split('\n').filter(Boolean)))
    })
    server.listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return {
      transport: tcpTransport({ host, port }, systemClock),
      received: () => received,
      leave: () => new Promise((resolve) => server.close(() => resolve())),
    }
  },
  true,
)

/** An HTTPTrap that answers with this status. */
async function trap(status: number) {
  const received: string[] = []
  const asked: (string | undefined)[] = []
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
    void text(request).then((body) => {
      received.push(body)
      if (status === 0) return
      response.writeHead(status)
      response.end('{"stats":1}')
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://${host}:${port}/module/httptrap/id/mys3cr3t`
  const leave = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, received, asked, leave }
}

pushTransportContract(
  'a PUT for each line',
  async (): Promise<Taker> => {
    const { url, received, leave } = await trap(200)
    return { transport: httpTransport(url, systemClock), received: () => received, leave }
  },
  true,
)

test('a trap gets JSON by PUT, and one that refuses it is an error without the secret of its URL', async () => {
  const { url, asked, leave } = await trap(403)
  const error = await httpTransport(url, systemClock)
    .send(['{}'])
    .catch((reason: Error) => reason)
  expect((error as Error).message).toBe('expected status 200 or 204, got 403')
  expect(asked).toEqual(['PUT /module/httptrap/id/mys3cr3t application/json'])
  await leave()
})

test('a trap that never answers costs its interval and no more', async () => {
  const { url, received, leave } = await trap(0)
  const clock = new FakeClock()
  const sent = httpTransport(url, clock)
    .send(['{}'])
    .catch((reason: Error) => reason.message)
  await expect.poll(() => received.length).toBe(1)
  await clock.advance(10_000)
  expect(await sent).toBe('not done within 10 s')
  await settle()
  expect(clock.pending).toBe(0)
  await leave()
})

test("Circonus: fabio's names, counts as L, gauges as n, and timings as bins of nanoseconds (reference 11.3)", () => {
  const bounds = [1, 10, 100]
  const labels = { service: 'svc-a', host: '', path: '/', target: 'http://10.0.0.1:8080/' }
  const [body = '', ...more] = circonus({
    prefix: 'gate',
    routeName: '{{clean .Service}}.{{clean .Host}}.{{clean .Path}}.{{clean .TargetURL.Host}}',
  })(
    [
      { name: 'notfound', labels: {}, kind: 'counter', value: 3 },
      { name: 'ws.conn', labels: {}, kind: 'gauge', value: 2 },
      {
        name: 'http.status',
        labels: { code: '200', service: 'svc-a' },
        kind: 'timer',
        counts: [2, 0, 0, 0],
        sum: 1.27,
      },
      { name: 'route', labels, kind: 'timer', counts: [0, 0, 0, 1], sum: 1_200 },
    ],
    bounds,
    0,
  )
  expect(more).toEqual([])
  expect(JSON.parse(body)).toEqual({
    'gate`notfound': { _type: 'L', _value: 3 },
    'gate`ws.conn': { _type: 'n', _value: 2 },
    'gate`http.status.code.200.service.svc-a': { _type: 'h', _value: ['H[6.3e+05]=2'] },
    'gate`svc-a._./.10_0_0_1_8080': { _type: 'h', _value: ['H[1.2e+09]=1'] },
  })
})
