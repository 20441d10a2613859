import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { createConnection, isIPv6 } from 'node:net'
import { request } from 'undici'
import type { Clock } from '../../base/world.ts'

/** Where lines go. Rejects where they are lost. */
export interface Transport {
  send(lines: readonly string[]): Promise<void>
  close(): void
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Octets of a datagram that goes through a network of Ethernet frames in one piece. */
const packetSize = 1_432

/** Lines packed into datagrams, none cut. */
export function packetsOf(lines: readonly string[]): string[] {
  const packets: string[] = []
  let packet = ''
  for (const line of lines) {
    if (packet !== '' && packet.length + 1 + line.length > packetSize) {
      packets.push(packet)
      packet = ''
    }
    packet += packet === '' ? line : `\n${line}`
  }
  if (packet !== '') packets.push(packet)
  return packets
}

/** StatsD's way. The name is looked up each time: an agent may move. */
export function udpTransport({ host, port }: Address): Transport {
  let socket: DatagramSocket | null = null
  return {
    async send(lines) {
      const { address } = await lookup(host)
      const family = isIPv6(address) ? 'udp6' : 'udp4'
      if (socket === null) {
        socket = createSocket(family)
        // What nobody takes is lost: that is how UDP is.
        socket.on('error', () => {})
        socket.unref()
      }
      const via = socket
      for (const packet of packetsOf(lines)) {
        await new Promise<void>((resolve, reject) =>
          via.send(Buffer.from(packet, 'utf8'), port, address, (error) =>
            error === null ? resolve() : reject(error),
          ),
        )
      }
    },
    close() {
      socket?.close()
      socket = null
    },
  }
}

/** What a connection may take to be there and to take everything; milliseconds. */
const deadlineMs = 10_000

/** Graphite's way: a connection for each interval, which ends with its last line. */
export function tcpTransport({ host, port }: Address, clock: Clock): Transport {
  return {
    send: (lines) =>
      new Promise((resolve, reject) => {
        const socket = createConnection({ host, port })
        const cancel = clock.after(deadlineMs, () =>
          socket.destroy(new Error(`not done within ${deadlineMs / 1000} s`)),
        )
        socket.on('error', reject)
        socket.on('close', () => {
          cancel()
          resolve()
        })
        socket.resume()
        socket.end(lines.map((line) => `${line}\n`).join(''))
      }),
    close() {},
  }
}

/** The way of an HTTPTrap: each line is the body of a PUT, in JSON. The URL has a secret: no error names it. */
export const httpTransport = (url: string, clock: Clock): Transport => ({
  async send(lines) {
    for (const line of lines) {
      const late = new AbortController()
      const cancel = clock.after(deadlineMs, () =>
        late.abort(new Error(`not done within ${deadlineMs / 1000} s`)),
      )
      try {
        const headers = { 'content-type': 'application/json', accept: 'application/json' }
        const { statusCode, body } = await request(url, {
          ...{ method: 'PUT', headers, body: line },
          signal: late.signal,
        })
        await body.dump()
        if (statusCode < 200 || statusCode >= 300)
          throw new Error(`expected status 200 or 204, got ${statusCode}`)
      } finally {
        cancel()
      }
    }
  },
  close() {},
})

/** On paper, for somebody who wants to see what there is. */
export const printTransport = (print: (text: string) => void): Transport => ({
  async send(lines) {
    print(lines.map((line) => `${line}\n`).join(''))
  },
  close() {},
})
