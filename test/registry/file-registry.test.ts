import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StartError } from '../../src/base/errors.ts'
import { systemClock } from '../../src/base/world.ts'
import { FileRegistry, type Files } from '../../src/registry/file.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { RecordingListener } from '../support/recording-listener.ts'
import { waitFor } from '../support/wait.ts'

const routesPath = '/etc/gate/routes'
const pagePath = '/srv/pages/noroute.html'
const one = 'route add one / http://10.0.0.1:80/'
const two = 'route add two / http://10.0.0.2:80/'

/** Files in memory, whose folders tell of changes when the test says so. */
class FakeFiles implements Files {
  readonly texts = new Map<string, string>()
  readonly watched: string[] = []
  readonly #watches = new Set<{ folder: string; changed: () => void; failed: (error: unknown) => void }>()
  reads = 0
  /** Answers to reads are held back while this is set. */
  gate: Promise<void> | null = null
  cannotWatch = ''

  async read(path: string): Promise<string> {
    this.reads++
    const text = this.texts.get(path)
    await this.gate
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
    return text
  }

  watch(folder: string, changed: () => void, failed: (error: unknown) => void): () => void {
    if (this.cannotWatch !== '') throw new Error(this.cannotWatch)
    this.watched.push(folder)
    const watch = { folder, changed, failed }
    this.#watches.add(watch)
    return () => this.#watches.delete(watch)
  }

  get watching(): string[] {
    return [...this.#watches].map(({ folder }) => folder)
  }

  touch(folder: string): void {
    for (const watch of this.#watches) if (watch.folder === folder) watch.changed()
  }

  fail(folder: string): void {
    for (const watch of this.#watches) if (watch.folder === folder) watch.failed(new Error('EMFILE'))
  }
}

function setUp(over: { noRouteHtmlPath?: string; texts?: Record<string, string> } = {}) {
  const files = new FakeFiles()
  for (const [path, text] of Object.entries(over.texts ?? { [routesPath]: one, [pagePath]: '<p>no</p>' })) {
    files.texts.set(path, text)
  }
  const clock = new FakeClock()
  const log = new CapturedLog()
  const options = { path: routesPath, noRouteHtmlPath: over.noRouteHtmlPath ?? pagePath }
  const registry = new FileRegistry(options, clock, log, files)
  const listener = new RecordingListener(() => registry.status())
  return { files, clock, log, registry, listener }
}

async function started(over: Parameters<typeof setUp>[0] = {}) {
  const all = setUp(over)
  await all.registry.start(all.listener)
  return all
}

describe('the start', () => {
  test('tells both files', async () => {
    const { registry, listener } = await started()
    expect(listener.documents).toEqual([[{ name: routesPath, text: one }]])
    expect(listener.pages).toEqual(['<p>no</p>'])
    expect(listener.statuses).toEqual([{ connected: true, lastContactAt: 0, error: '' }])
    expect([registry.kind, registry.address, registry.datacenter]).toEqual(['file', routesPath, ''])
  })

  test('goes without a page where none is named', async () => {
    const { listener, files } = await started({ noRouteHtmlPath: '' })
    expect([listener.texts, listener.pages, files.reads]).toEqual([[one], [''], 1])
  })

  test.each<[what: string, texts: Record<string, string>, mistakes: string[]]>([
    [
      'the routes',
      { [pagePath]: '' },
      [
        `registry.file.path: expected a file that can be read at ${routesPath}, got ENOENT: no such file or directory, open '${routesPath}'`,
      ],
    ],
    [
      'either file',
      {},
      [
        `registry.file.path: expected a file that can be read at ${routesPath}, got ENOENT: no such file or directory, open '${routesPath}'`,
        `registry.file.noroutehtmlpath: expected a file that can be read at ${pagePath}, got ENOENT: no such file or directory, open '${pagePath}'`,
      ],
    ],
  ])(
    'ends with the key and the path where %s cannot be read, and nothing goes on',
    async (_what, texts, mistakes) => {
      const { registry, listener, files, clock } = setUp({ texts })
      const error = await registry.start(listener).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StartError)
      expect((error as StartError).mistakes).toEqual(mistakes)
      expect([listener.documents, files.watching, clock.pending]).toEqual([[], [], 0])
      expect(registry.status().connected).toBe(false)
    },
  )

  test('wants a path', async () => {
    const registry = new FileRegistry(
      { path: '', noRouteHtmlPath: '' },
      new FakeClock(),
      new CapturedLog(),
      new FakeFiles(),
    )
    await expect(registry.start(new RecordingListener(() => registry.status()))).rejects.toThrow(
      'registry.file.path: expected the path of a file with route commands, got none',
    )
  })

  test('a change while the files are read for the first time is not lost', async () => {
    const { registry, listener, files, clock } = setUp()
    let open = (): void => {}
    files.gate = new Promise((resolve) => {
      open = resolve
    })
    const ready = registry.start(listener)
    files.texts.set(routesPath, two)
    files.touch('/etc/gate')
    await clock.advance(250)
    files.gate = null
    open()
    await ready
    await clock.advance(100)
    expect(listener.texts).toEqual([one, two])
  })
})

describe('a change', () => {
  test('is read once the folder has been quiet for a moment', async () => {
    const { files, clock, listener } = await started()
    files.texts.set(routesPath, '')
    files.touch('/etc/gate')
    await clock.advance(99)
    files.texts.set(routesPath, two)
    files.touch('/etc/gate')
    await clock.advance(99)
    expect(listener.texts).toEqual([one])
    await clock.advance(1)
    expect(listener.texts).toEqual([one, two])
  })

  test('is read within a second in a folder that is never quiet', async () => {
    const { files, clock, listener } = await started()
    files.texts.set(routesPath, two)
    for (let i = 0; i < 20; i++) {
      files.touch('/etc/gate')
      await clock.advance(50)
    }
    expect(listener.texts).toEqual([one, two])
  })

  test('of the page is told as a page', async () => {
    const { files, clock, listener } = await started()
    files.texts.set(pagePath, '<p>gone</p>')
    files.touch('/srv/pages')
    await clock.advance(100)
    expect([listener.texts, listener.pages]).toEqual([[one], ['<p>no</p>', '<p>gone</p>']])
  })

  test('that leaves the text as it was tells nothing', async () => {
    const { files, clock, listener } = await started()
    files.touch('/etc/gate')
    files.touch('/srv/pages')
    await clock.advance(30_000)
    expect([listener.texts.length, listener.pages.length, listener.statuses.length]).toEqual([1, 1, 1])
    expect(files.reads).toBeGreaterThan(2)
  })

  test('that comes while a slow read is under way is read after it', async () => {
    const { files, clock, listener } = await started({ noRouteHtmlPath: '' })
    let open = (): void => {}
    files.gate = new Promise((resolve) => {
      open = resolve
    })
    files.touch('/etc/gate')
    await clock.advance(100)
    files.texts.set(routesPath, two)
    files.touch('/etc/gate')
    await clock.advance(100)
    files.gate = null
    open()
    await settle()
    expect(listener.texts).toEqual([one, two])
  })

  test('is found by the poll where the folder tells nothing, and the folder is watched anew', async () => {
    const { files, clock, listener } = await started()
    await clock.advance(10_000)
    expect(files.watched).toEqual(['/etc/gate', '/srv/pages'])
    files.texts.set(routesPath, two)
    await clock.advance(9_999)
    expect(listener.texts).toEqual([one])
    await clock.advance(1)
    expect(listener.texts).toEqual([one, two])
    expect(files.watched.slice(2)).toEqual(['/etc/gate', '/srv/pages'])
    expect(files.watching).toEqual(['/etc/gate', '/srv/pages'])
  })

  test('is found where folders cannot be watched at all, and that is said once', async () => {
    const all = setUp()
    all.files.cannotWatch = 'ENOSPC: System limit for number of file watchers reached'
    await all.registry.start(all.listener)
    all.files.texts.set(routesPath, two)
    await all.clock.advance(10_000)
    expect(all.listener.texts).toEqual([one, two])
    expect(all.log.lines).toEqual([
      'warn file watch-failed: cannot watch /etc/gate: ENOSPC: System limit for number of file watchers reached; changes are found within 10 s',
    ])
  })

  test('is found after the watch gave up', async () => {
    const { files, clock, listener, log } = await started()
    files.fail('/etc/gate')
    files.fail('/etc/gate')
    files.texts.set(routesPath, two)
    await clock.advance(10_000)
    expect([listener.texts, log.of('watch-failed').length]).toEqual([[one, two], 1])
  })
})

describe('a file that vanishes', () => {
  test('keeps what was read, says so once, and counts again when it is back', async () => {
    const { files, clock, listener, log, registry } = await started()
    files.texts.delete(routesPath)
    files.touch('/etc/gate')
    await clock.advance(40_100)
    expect(listener.texts).toEqual([one])
    const words = `registry.file.path: expected a file that can be read at ${routesPath}, got ENOENT: no such file or directory, open '${routesPath}'`
    expect(registry.status()).toEqual({ connected: false, lastContactAt: 0, error: words })
    expect(log.lines).toEqual([`warn file read-failed: ${words}; keeping what was read before`])
    expect(listener.statuses.map(({ connected }) => connected)).toEqual([true, false])

    files.texts.set(routesPath, two)
    files.touch('/etc/gate')
    await clock.advance(100)
    expect(listener.texts).toEqual([one, two])
    expect(registry.status()).toEqual({ connected: true, lastContactAt: clock.now(), error: '' })
    expect(log.of('read-recovered')).toEqual([`info file read-recovered: ${routesPath} can be read again`])
  })

  test('does not keep the other from being read', async () => {
    const { files, clock, listener } = await started()
    files.texts.delete(routesPath)
    files.texts.set(pagePath, '<p>other</p>')
    files.touch('/etc/gate')
    await clock.advance(100)
    expect(listener.pages).toEqual(['<p>no</p>', '<p>other</p>'])
  })
})

describe('the end', () => {
  test('leaves no timer and no watch, also twice, also with a read under way', async () => {
    const { files, clock, listener, registry } = await started()
    let open = (): void => {}
    files.gate = new Promise((resolve) => {
      open = resolve
    })
    files.texts.set(routesPath, two)
    files.touch('/etc/gate')
    await clock.advance(100)
    await registry.close()
    await registry.close()
    open()
    await settle()
    expect([listener.texts, files.watching, clock.pending]).toEqual([[one], [], 0])
  })
})

test('whatever a file holds, and whatever a listener does with it, the next change is told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.string({ unit: 'binary' }))), async (contents) => {
      const { files, clock, listener, registry } = setUp()
      const told: string[] = []
      await registry.start({
        changed: () => {},
        commandsChanged: ([document]) => {
          told.push(document!.text)
          throw new Error('a listener that fails')
        },
        noRoutePageChanged: () => {
          throw new Error('a listener that fails')
        },
        statusChanged: () => listener.statusChanged(),
      })
      for (const content of contents) {
        if (content === null) files.texts.delete(routesPath)
        else files.texts.set(routesPath, content)
        files.touch('/etc/gate')
        await clock.advance(100)
      }
      files.texts.set(routesPath, 'the last')
      files.touch('/etc/gate')
      await clock.advance(100)
      expect(told.at(-1)).toBe('the last')
      expect(registry.status().connected).toBe(true)
      await registry.close()
    }),
    { numRuns: 30 },
  )
})

describe('on a real file system', () => {
  let folder = ''
  let registry: FileRegistry
  let listener: RecordingListener
  const log = new CapturedLog()
  const start = async (path: string): Promise<void> => {
    registry = new FileRegistry({ path, noRouteHtmlPath: '' }, systemClock, log)
    listener = new RecordingListener(() => registry.status())
    await registry.start(listener)
  }
  /** Far below the poll's ten seconds: it must be the watch that told. */
  const untilTold = (text: string): Promise<unknown> =>
    waitFor(() => listener.texts.at(-1) === text, {
      what: `the text ${JSON.stringify(text)}`,
      deadline: 4_000,
    })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-registry-'))
  })
  afterEach(async () => {
    await registry.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('a file that is written anew, replaced, removed and put back is seen', async () => {
    const path = join(folder, 'routes')
    await writeFile(path, `\uFEFF${one}`)
    await start(path)
    expect(listener.texts).toEqual([one])
    await writeFile(path, two)
    await untilTold(two)
    await writeFile(join(folder, 'next'), one)
    await rename(join(folder, 'next'), path)
    await untilTold(one)
    await rm(path)
    await waitFor(() => !registry.status().connected, { what: 'the loss to be noticed', deadline: 4_000 })
    expect(listener.texts.at(-1)).toBe(one)
    await writeFile(path, two)
    await untilTold(two)
    expect(registry.status().connected).toBe(true)
  })

  test('a symbolic link beside the file that is swapped, as Kubernetes does it, is seen', async () => {
    const put = async (version: string, text: string): Promise<void> => {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'routes'), text)
      await symlink(version, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await put('..1', one)
    await symlink('..data/routes', join(folder, 'routes'))
    await start(join(folder, 'routes'))
    await put('..2', two)
    await untilTold(two)
  })

  test('a folder is not a file', async () => {
    await expect(start(folder)).rejects.toThrow(
      `registry.file.path: expected a file that can be read at ${folder}, got EISDIR`,
    )
  })
})
