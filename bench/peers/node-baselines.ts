import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { announcedPort } from '../processes.ts'
import type { Peer } from './peer.ts'

/** @fastify/http-proxy with nothing around it. */
export const fastify = baseline('fastify', ['@fastify/http-proxy', 'fastify', 'undici'])

/** node:http and undici with nothing around them. */
export const undici = baseline('undici', ['undici'])

/** A program of bench/proxies, and the packages that it is made of. */
function baseline(name: 'fastify' | 'undici', packages: readonly string[]): Peer {
  return {
    name,
    host: null,
    program: null,
    async start({ processes, core, compiled, node, upstreamPort }) {
      const args = [join(compiled, `proxies/${name}.js`), String(upstreamPort)]
      // Packages choose their faster way by it: fastify skips what it only does for developers.
      const env = { NODE_ENV: 'production' }
      const started = processes.start({ name, command: node, args, core, env })
      return { started, port: await announcedPort(started) }
    },
    async version({ root }) {
      const versions = packages.map(async (name) => {
        const file = join(root, 'node_modules', name, 'package.json')
        const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
        return `${name} ${version}`
      })
      return (await Promise.all(versions)).join(', ')
    },
  }
}
