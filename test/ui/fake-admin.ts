import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { FiguresView } from '../../src/admin/traffic-view.ts'
import type { ProblemsView, TableChanges, TableView } from '../../src/admin/view.ts'
import { isPage } from '../../ui/src/place.ts'

/** Plays the admin server to the built page: the pages, `/assets/`, `/api/ui`, `/api/problems` and `/api/events`. */
export interface FakeAdmin {
  readonly origin: string
  /** Sends a table to every page, and at once to each that connects from now on. */
  push(table: TableView): void
  /** Sends what has changed in the table to every page; who connects later gets the table as it was. */
  pushChanges(changes: TableChanges): void
  /** Sends figures to every page that is there. */
  pushFigures(figures: FiguresView): void
  /** What `/api/problems` answers from now on beside the problems of the table. */
  unrouted: ProblemsView['unrouted']
  /** Sends these bytes as the data of a `table` event. */
  pushText(data: string): void
  /** Ends all connections; later ones are refused, or answered 503. */
  goAway(how: 'refused' | '503'): Promise<void>
  comeBack(): Promise<void>
  /** How many connections for events were answered. */
  connections(): number
  /** How many connections for events were answered 503. */
  turnedAway(): number
  close(): Promise<void>
}

export interface FakeInfo {
  readonly title: string
  readonly color: string
  readonly access?: 'rw' | 'ro'
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Serves the page built in `folder` on a free port of the loopback address. `table` null: no table until a push. */
export async function startFakeAdmin(
  folder: string,
  table: TableView | null,
  info: FakeInfo = { title: '', color: 'light-green' },
): Promise<FakeAdmin> {
  const files = await readFiles(folder)
  const pages = new Set<ServerResponse>()
  let current = table
  let away = false
  let turnedAway = 0
  let connections = 0

  const server = createServer((request, response) => {
    // The policy of the real server: whatever the page wants beyond it shows up as an error on its console.
    response.setHeader('content-security-policy', "default-src 'self'")
    const path = request.url?.split('?')[0] ?? ''
    if (away) {
      if (path === '/api/events') turnedAway++
      response.writeHead(503).end()
    } else if (path === '/api/ui') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access: 'rw', ...info, version: '1.2.3' }))
    } else if (path === '/api/problems') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ rejected: current?.problems ?? [], unrouted: admin.unrouted }))
    } else if (path === '/api/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write('retry: 50\n\n')
      if (current !== null) response.write(event(JSON.stringify(current)))
      pages.add(response)
      connections++
      response.on('close', () => pages.delete(response))
    } else {
      const name = isPage(path.split('/')[1]!) ? '/index.html' : path
      const file = files.get(name)
      if (file === undefined) return void response.writeHead(404).end()
      response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream' })
      response.end(file)
    }
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo

  const pushText = (data: string): void => {
    for (const page of pages) page.write(event(data))
  }
  const admin: FakeAdmin = {
    origin: `http://127.0.0.1:${port}`,
    push(next) {
      current = next
      pushText(JSON.stringify(next))
    },
    pushChanges(changes) {
      for (const page of pages) page.write(`event: changes\ndata: ${JSON.stringify(changes)}\n\n`)
    },
    pushFigures(figures) {
      for (const page of pages) page.write(`event: figures\ndata: ${JSON.stringify(figures)}\n\n`)
    },
    unrouted: [],
    pushText,
    async goAway(how) {
      if (how === 'refused') return close()
      away = true
      server.closeAllConnections()
    },
    async comeBack() {
      away = false
      if (!server.listening) await listen(port)
    },
    connections: () => connections,
    turnedAway: () => turnedAway,
    close,
  }
  return admin
}

const event = (data: string): string => `event: table\ndata: ${data}\n\n`

async function readFiles(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(
      files.map(
        async (file) => [file.slice(folder.length).replaceAll('\\', '/'), await readFile(file)] as const,
      ),
    ),
  )
}
