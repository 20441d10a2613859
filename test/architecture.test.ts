import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const src = join(root, 'src')

/**
 * Which rooms a room may import. The traffic plane (upward to `listen`) knows nothing of the control plane, and no
 * room knows the configuration: each states the options that it takes, and the commands hand them out.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  auth: ['base'],
  // the traffic plane
  match: ['base'],
  balance: ['base'],
  http1: ['base'],
  upstream: ['base', 'balance', 'http1'],
  route: ['base', 'match', 'balance', 'upstream'],
  proxy: ['balance', 'base', 'http1', 'route', 'upstream'],
  middleware: ['auth', 'base', 'http1', 'proxy', 'route'],
  listen: ['base', 'http1', 'proxy'],
  observe: ['balance', 'base', 'http1', 'match', 'proxy', 'route', 'upstream'],
  // the control plane
  registry: ['base'],
  admin: ['base', 'balance', 'match', 'observe', 'route'],
  // the assembly
  cluster: ['base', 'listen', 'observe', 'route', 'traffic.ts'],
  'traffic.ts': ['auth', 'base', 'balance', 'listen', 'middleware', 'observe', 'proxy', 'route', 'upstream'],
  'control.ts': ['admin', 'base', 'match', 'registry', 'route'],
  cli: [
    'admin',
    'auth',
    'base',
    'cluster',
    'config',
    'control.ts',
    'observe',
    'registry',
    'route',
    'traffic.ts',
  ],
  'main.ts': ['base', 'cli', 'cluster', 'config'],
}

/** Packages of the hot path are few and named; everything else belongs to the control plane. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  base: ['pino'],
  auth: ['bcryptjs', 'jose', 'lru-cache', 'undici'],
  middleware: ['lru-cache'],
  upstream: ['undici'],
  observe: ['prom-client', 'undici'],
  registry: ['undici', 'fastify', 'consul'],
  admin: ['fastify', '@fastify/static'],
  cli: ['consul', 'undici'],
}

interface SourceFile {
  /** From src, with slashes. */
  readonly path: string
  readonly room: string
  readonly text: string
  /** As written. */
  readonly imports: readonly string[]
}

/** A statement that ends in the quoted name, on one line or after a closing brace; or a call. */
const importing = /^(?:import|export|\})[^'\n]* from '([^']+)'$|\bimport\('([^']+)'\)/gm

async function sourceFiles(): Promise<SourceFile[]> {
  const names = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'))
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(src, name), 'utf8')
      const imports = [...text.matchAll(importing)].map((match) => (match[1] ?? match[2])!)
      return { path: name, room: roomOf(name), text, imports }
    }),
  )
}

const roomOf = (path: string): string => path.split('/')[0]!

/** The room that a relative import leads to. */
const roomBehind = (file: SourceFile, imported: string): string =>
  roomOf(relative(src, join(src, file.path, '..', imported)))

const files = await sourceFiles()

describe('imports', () => {
  test('are found: a file that imports nothing at all is rare', () => {
    expect(files.filter((file) => file.imports.length > 0).length).toBeGreaterThan(files.length / 2)
  })

  test.each(files.map((file) => [file.path, file] as const))(
    '%s stay within what its room may import',
    (_path, file) => {
      const allowed = mayImport[file.room]
      expect(allowed, `${file.room} has a line in this table`).toBeDefined()
      for (const imported of file.imports.filter((name) => name.startsWith('.'))) {
        const room = roomBehind(file, imported)
        expect([file.room, ...allowed!], `${file.path} imports ${imported}`).toContain(room)
      }
    },
  )

  test.each(files.map((file) => [file.path, file] as const))(
    '%s names packages that its room may use',
    (_path, file) => {
      const packages = file.imports.filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      for (const name of packages) expect(packagesOf[file.room] ?? [], file.path).toContain(name)
    },
  )

  test('are never circular between rooms', () => {
    const visit = (room: string, path: readonly string[]): void => {
      expect(path, 'a room imports itself by way of others').not.toContain(room)
      for (const next of mayImport[room] ?? []) visit(next, [...path, room])
    }
    for (const room of Object.keys(mayImport)) visit(room, [])
  })
})

describe('the rules of the house', () => {
  const fileNames = files.map((file) => file.path)

  test('main.ts alone touches process', () => {
    const others = files.filter(
      (file) => file.path !== 'main.ts' && /\bprocess\s*\??\.\s*[a-z]/.test(withoutComments(file.text)),
    )
    expect(others.map((file) => file.path)).toEqual([])
  })

  test('time and chance come as arguments: nobody but base asks the system for them', () => {
    const asking = /\bDate\.now\b|\bMath\.random\b|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\b/
    const others = files.filter((file) => file.room !== 'base' && asking.test(withoutComments(file.text)))
    expect(others.map((file) => file.path)).toEqual([])
  })

  test('nothing on the traffic plane imports node:http', () => {
    const traffic = [
      'auth',
      'http1',
      'listen',
      'match',
      'balance',
      'upstream',
      'route',
      'proxy',
      'middleware',
      'traffic.ts',
    ]
    const importers = files.filter(
      ({ room, imports }) => traffic.includes(room) && imports.some((name) => /^node:https?$/.test(name)),
    )
    expect(importers.map(({ path }) => path)).toEqual([])
  })

  test('no file is called index or utils', () => {
    expect(fileNames.filter((name) => /(^|\/)(index|utils?|helpers?|common)\.ts$/.test(name))).toEqual([])
  })
})

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

describe('src/README.md', async () => {
  const map = await readFile(join(src, 'README.md'), 'utf8')
  const named = [...map.matchAll(/^\| `([\w.]+)\/?` /gm)].map((match) => match[1]!)

  test('names every room and assembly file, and no other', async () => {
    const entries = await readdir(src)
    expect([...named].sort()).toEqual(entries.filter((name) => name !== 'README.md').sort())
  })

  test('gives each room the imports that this test holds', () => {
    for (const room of Object.keys(mayImport)) {
      const line = map.split('\n').find((text) => text.startsWith(`| \`${room}`))!
      const imports = [...line.split('|')[3]!.matchAll(/`([\w.]+)`/g)].map((match) => match[1]!)
      expect(imports.sort(), room).toEqual([...mayImport[room]!].sort())
    }
  })
})
