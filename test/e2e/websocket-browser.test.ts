import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { closingAfterEach } from '../support/cleanups.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { startTraffic } from '../support/traffic.ts'
import { ClientFrames, serverFrame, switching } from '../support/websocket.ts'

const kept = closingAfterEach()

/** A page, an event stream, and a websocket that says back what it hears and ends when it is told "bye". */
async function startChat() {
  const server = createServer((message, response) => {
    if (message.url === '/chat/')
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>chat</h1>')
    else if (message.url === '/chat/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: first\n\n')
      message.socket.once('close', () => events.delete(response))
      events.add(response)
    } else response.writeHead(404).end()
  })
  const events = new Set<ServerResponse>()
  server.on('upgrade', (message, socket) => {
    socket.write(
      switching(`Sec-WebSocket-Key: ${message.headers['sec-websocket-key']}
`),
    )
    const frames = new ClientFrames()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const { type, payload } of frames.push(chunk)) {
        if (type === 8) socket.end()
        else if (payload.toString() === 'bye') socket.write(serverFrame(Buffer.from([0x0f, 0xa1, 0x79]), 8))
        else socket.write(serverFrame(payload, type))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    events,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** In the browser. */
const talkOver = (opening: string): string => `(async () => {
  const socket = ${opening}
  const heard = []
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  for (const text of ['hello', 'grüße 🦊', 'x'.repeat(60_000)]) {
    const answer = new Promise((resolve) => (socket.onmessage = resolve))
    socket.send(text)
    heard.push((await answer).data === text)
  }
  const closed = new Promise((resolve) => (socket.onclose = resolve))
  socket.send('bye')
  const { code, reason, wasClean } = await closed
  return { heard, code, reason, wasClean }
})()`

const page = await readFile(new URL('../../docs/websockets.md', import.meta.url), 'utf8')
const [, route = ''] = /^```tags\nurlprefix-(\S+)\n```/m.exec(page)!
const [, script = ''] = /^```js\n(.*)\n```/m.exec(page)!

test('a real browser talks by the example of docs/websockets.md: websockets, their close codes, and event streams', async () => {
  const chat = await kept(startChat())
  const gateway = await kept(startTraffic([serviceRoutes('chat', definition('chat', route, chat.url))]))
  const browser = await kept(launchBrowser())
  const tab = await browser.newPage()
  await tab.goto(`${gateway.url}/chat/`)

  expect(await tab.evaluate(talkOver(script.replace('localhost:9999', `127.0.0.1:${gateway.port}`)))).toEqual(
    {
      heard: [true, true, true],
      code: 4001,
      reason: 'y',
      wasClean: true,
    },
  )

  // Each event is there before the next one is sent: nothing is kept back on the way.
  await tab.evaluate(
    "heard = []; new EventSource('/chat/events').onmessage = ({ data }) => { heard.push(data) }",
  )
  const heard = (): Promise<string[]> => tab.evaluate('heard')
  await expect.poll(heard).toEqual(['first'])
  const [stream] = [...chat.events]
  for (const text of ['second', 'third']) {
    stream!.write(`data: ${text}\n\n`)
    await expect.poll(async () => (await heard()).at(-1)).toBe(text)
  }
})
