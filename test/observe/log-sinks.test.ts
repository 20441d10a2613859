import { createSocket } from 'node:dgram'
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { systemWorld } from '../../src/base/world.ts'
import { FileSink } from '../../src/observe/access-log/file-sink.ts'
import type { LineSink } from '../../src/observe/access-log/line-writer.ts'
import { syslogSink } from '../../src/observe/access-log/syslog-sink.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { waitFor } from '../support/wait.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-log-'))
  cleanups.push(() => rm(path, { recursive: true, force: true }))
  return path
}

const write = (sink: LineSink, ...lines: string[]): Promise<number> =>
  new Promise((resolve) => sink.write(lines.map((line) => `${line}\n`).join(''), lines.length, resolve))

describe('a file', () => {
  test('is made where there is none, for owner and group, and written behind what is there', async () => {
    const path = join(await folder(), 'access.log')
    const log = new CapturedLog()
    const first = new FileSink(path, log)
    expect(await write(first, 'a', 'b')).toBe(0)
    expect((await stat(path)).mode & 0o007).toBe(0)
    first.close()
    const second = new FileSink(path, log)
    cleanups.push(() => second.close())
    await write(second, 'c')
    expect(await readFile(path, 'utf8')).toBe('a\nb\nc\n')
    expect(log.lines).toEqual([])
  })

  test('is opened anew when it is told to: what follows is not in the one that was renamed', async () => {
    const path = join(await folder(), 'access.log')
    const sink = new FileSink(path, new CapturedLog())
    cleanups.push(() => sink.close())
    await write(sink, 'before')
    await rename(path, `${path}.1`)
    await write(sink, 'still the old one')
    sink.reopen()
    await write(sink, 'after')
    expect(await readFile(`${path}.1`, 'utf8')).toBe('before\nstill the old one\n')
    expect(await readFile(path, 'utf8')).toBe('after\n')
  })

  // The disk was full in the middle of a line. When there was room again the next line stood behind the half one, and
  // both were lost for whoever reads the log.
  test('that ends in half a line has the next one on a line of its own', async () => {
    const path = join(await folder(), 'access.log')
    await writeFile(path, 'whole\nhal')
    const sink = new FileSink(path, new CapturedLog())
    cleanups.push(() => sink.close())
    await write(sink, 'a', 'b')
    await write(sink, 'c')
    expect(await readFile(path, 'utf8')).toBe('whole\nhal\na\nb\nc\n')
  })

  test('of several writers has whole lines', async () => {
    const path = join(await folder(), 'access.log')
    const sinks = Array.from({ length: 4 }, () => new FileSink(path, new CapturedLog()))
    cleanups.push(() => sinks.map((sink) => sink.close()))
    await Promise.all(
      sinks.map(async (sink, number) => {
        for (let i = 0; i < 20; i++) {
          await write(sink, ...Array.from({ length: 500 }, () => String(number).repeat(100)))
        }
      }),
    )
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1)
    expect(lines).toHaveLength(40_000)
    expect(lines.every((line) => /^(\d)\1{99}$/.test(line))).toBe(true)
  })

  test('that cannot be opened costs its lines and is tried again', async () => {
    const path = join(await folder(), 'gone', 'access.log')
    const log = new CapturedLog()
    const sink = new FileSink(path, log)
    cleanups.push(() => sink.close())
    expect(await write(sink, 'a', 'b')).toBe(2)
    expect(log.of('write-failed')[0]).toContain(`${path}: ENOENT`)
    const other = join(await folder(), 'access.log')
    await writeFile(other, '')
    await chmod(other, 0o640)
    const good = new FileSink(other, log)
    cleanups.push(() => good.close())
    expect(await write(good, 'c')).toBe(0)
  })

  test('on a full disk costs the lines that found no room', async () => {
    const log = new CapturedLog()
    const sink = new FileSink('/dev/full', log)
    cleanups.push(() => sink.close())
    expect(await write(sink, 'a', 'b')).toBe(2)
    expect(log.of('write-failed')[0]).toContain('ENOSPC')
  })
})

const source = { hostname: 'gate-1', pid: 42 }
const message = /^<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z gate-1 gatehouse 42 access - (.*)$/

describe('syslog', () => {
  const parts = () => ({ world: systemWorld, log: new CapturedLog() })

  test('over UDP is a datagram for each line (RFC 5426)', async () => {
    const server = createSocket('udp4')
    cleanups.push(() => server.close())
    const received: string[] = []
    server.on('message', (octets) => received.push(octets.toString('latin1')))
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    const sink = syslogSink(
      { transport: 'udp', host: '127.0.0.1', port: server.address().port },
      source,
      parts(),
    )
    cleanups.push(() => sink.close())
    expect(await write(sink, 'one', 'two \xe4')).toBe(0)
    await waitFor(() => received.length === 2, { what: 'two datagrams' })
    expect(received.map((each) => message.exec(each)?.[1])).toEqual(['one', 'two \xe4'])
  })

  /** A server on a port or a path that keeps what comes. */
  async function stream(at: { port: number } | { path: string }) {
    let text = ''
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('data', (octets) => {
        text += octets.toString('latin1')
      })
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) =>
      server.listen({ ...at, ...('port' in at ? { host: '127.0.0.1' } : {}) }, resolve),
    )
    const close = async (): Promise<void> => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    cleanups.push(close)
    return { server, close, lines: () => text.split('\n').slice(0, -1) }
  }

  test('over TCP is a line for each message (RFC 6587)', async () => {
    const { server, lines } = await stream({ port: 0 })
    const { port } = server.address() as AddressInfo
    const sink = syslogSink({ transport: 'tcp', host: '127.0.0.1', port }, source, parts())
    cleanups.push(() => sink.close())
    expect(await write(sink, 'one', 'two')).toBe(0)
    expect(await write(sink, 'three')).toBe(0)
    await waitFor(() => lines().length === 3, { what: 'three lines' })
    expect(lines().map((each) => message.exec(each)?.[1])).toEqual(['one', 'two', 'three'])
  })

  test('over a socket of this machine too', async () => {
    const path = join(await folder(), 'log.sock')
    const { lines } = await stream({ path })
    const sink = syslogSink({ transport: 'unix', path }, source, parts())
    cleanups.push(() => sink.close())
    expect(await write(sink, 'one')).toBe(0)
    await waitFor(() => lines().length === 1, { what: 'a line' })
  })

  test('that is gone costs the lines meanwhile, says so, and is found again', async () => {
    const { server, close } = await stream({ port: 0 })
    const { port } = server.address() as AddressInfo
    const { world, log } = parts()
    const sink = syslogSink({ transport: 'tcp', host: '127.0.0.1', port }, source, { world, log })
    cleanups.push(() => sink.close())
    expect(await write(sink, 'one')).toBe(0)
    await close()
    await waitFor(() => log.of('write-failed').length > 0, { what: 'the loss to be noticed' })
    expect(log.of('write-failed')[0]).toContain(`syslog+tcp://127.0.0.1:${port}`)
    const again = await stream({ port })
    await waitFor(async () => (await write(sink, 'later')) === 0, { what: 'the server', deadline: 5_000 })
    await waitFor(() => again.lines().length > 0, { what: 'a line' })
  })

  test('that nobody is at costs the lines and nothing else', async () => {
    const { world, log } = parts()
    const path = join(await folder(), 'nobody.sock')
    const sink = syslogSink({ transport: 'unix', path }, source, { world, log })
    cleanups.push(() => sink.close())
    expect(await write(sink, 'one', 'two')).toBe(2)
    expect(log.of('write-failed')[0]).toContain('ENOENT')
  })
})
