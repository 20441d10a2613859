import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendText } from './requests.ts'

export interface PageOptions {
  /** The folder of the built UI. */
  readonly assets: string
  /** `ui.path` */
  readonly path: string
  /** `ui.access` */
  readonly access: 'rw' | 'ro'
}

const pages = ['/routes', '/explain', '/problems', '/history', '/traffic']

/** The UI: one document for all pages, at `/routes` where fabio has it; everything unknown leads there. */
export async function addPages(app: FastifyInstance, options: PageOptions): Promise<void> {
  const { assets, path: base, access } = options
  const folder = join(assets, 'assets')
  // Their names change with what is in them.
  const cached = { maxAge: '365d', immutable: true } as const
  await app.register(fastifyStatic, {
    root: folder,
    prefix: '/assets/',
    wildcard: false,
    index: false,
    ...cached,
  })
  const html = await pageBelow(base, assets)
  const page = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(html)
  for (const name of pages) app.all(name, page)
  // fabio's editor is closed with the API behind it (reference 9).
  const editor =
    access === 'rw'
      ? page
      : (_request: FastifyRequest, reply: FastifyReply) => sendText(reply, 403, 'Forbidden')
  for (const name of ['/manual', '/manual/*']) app.all(name, editor)
  await addLogos(app, folder)
  app.all('/favicon.ico', (_request, reply) => reply.code(404).send())
  app.setNotFoundHandler((request, reply) => {
    if (!request.url.startsWith(`${base}/api/`)) return reply.redirect(`${base}/routes`, 303)
    return reply.code(404).send({ error: `no ${request.method} ${request.url}` })
  })
}

/** The page names the place that all of its URLs begin from. */
async function pageBelow(base: string, assets: string): Promise<string> {
  const html = await readFile(join(assets, 'index.html'), 'utf8')
  return html.replace('<base href="/" />', `<base href="${base}/" />`)
}

/** Where fabio has its own, for whoever points there. */
async function addLogos(app: FastifyInstance, folder: string): Promise<void> {
  const logo = (await readdir(folder)).find((name) => /^logo.*\.svg$/.test(name))
  if (logo === undefined) return
  for (const name of ['logo.svg', 'logo.bw.svg']) {
    app.get(`/assets/${name}`, (_request, reply) => reply.sendFile(logo, { maxAge: 0, immutable: false }))
  }
}
