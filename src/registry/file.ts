import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, StartError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/world.ts'
import type { Registry, RegistryListener, RegistryStatus } from './registry.ts'

export interface FileRegistryOptions {
  /** `registry.file.path`: a file with route commands (fabio reference 2). */
  readonly path: string
  /** `registry.file.noroutehtmlpath`; empty: none. */
  readonly noRouteHtmlPath: string
}

/** What the registry needs of the file system. */
export interface Files {
  /** The text of a file, read as UTF-8. */
  read(path: string): Promise<string>
  /**
   * Calls `changed` when anything in the folder may have changed, and `failed` when it cannot tell any more. Throws
   * where the folder cannot be watched at all. The returned function ends it.
   */
  watch(folder: string, changed: () => void, failed: (error: unknown) => void): () => void
}

export const systemFiles: Files = {
  async read(path) {
    return new TextDecoder().decode(await readFile(path))
  },
  watch(folder, changed, failed) {
    const watcher = watch(folder)
    watcher.on('change', changed)
    watcher.on('error', failed)
    return () => watcher.close()
  },
}

/** A file that is looked at again and again. */
interface WatchedFile {
  readonly key: string
  readonly path: string
  readonly tell: (text: string) => void
  /** What was read last; null before the first time. */
  text: string | null
  /** Why it cannot be read; empty while it can. */
  error: string
}

/**
 * Routes in a file, read again when it changes (fabio reads it once, reference 5).
 *
 * The folder is watched and not the file: an editor or a deployment puts another file in its place, and Kubernetes
 * swaps a symbolic link beside it. A slow poll finds what the watch missed: network file systems tell nothing, and a
 * folder that was itself replaced tells nothing any more.
 */
export class FileRegistry implements Registry {
  readonly kind = 'file'
  readonly address: string
  readonly datacenter = ''
  readonly #files: readonly WatchedFile[]
  readonly #system: Files
  readonly #clock: Clock
  readonly #log: Log
  #listener: RegistryListener | null = null
  #lastReadAt: number | null = null
  #isClosed = false
  #isWatchFailureKnown = false
  #watches: (() => void)[] = []
  #cancelPoll: () => void = () => {}
  #cancelLook: () => void = () => {}
  /** When the first event came that was not looked into yet. */
  #touchedAt: number | null = null
  /** The look that is under way, and whether another one has to follow. */
  #looking: Promise<boolean> | null = null
  #mustLookAgain = false

  constructor(options: FileRegistryOptions, clock: Clock, log: Log, system: Files = systemFiles) {
    this.address = options.path
    this.#clock = clock
    this.#log = log
    this.#system = system
    const routes = watched('registry.file.path', options.path, (text) => {
      this.#listener?.commandsChanged([{ name: options.path, text }])
    })
    const page = watched('registry.file.noroutehtmlpath', options.noRouteHtmlPath, (html) => {
      this.#listener?.noRoutePageChanged(html)
    })
    this.#files = page.path === '' ? [routes] : [routes, page]
  }

  status(): RegistryStatus {
    const error = this.#files.flatMap((file) => (file.error === '' ? [] : [wordsOf(file)])).join('; ')
    return { connected: error === '' && this.#lastReadAt !== null, lastContactAt: this.#lastReadAt, error }
  }

  /** Rejects with a StartError that names the key and the path of every file that cannot be read. */
  async start(listener: RegistryListener): Promise<void> {
    if (this.address === '') {
      throw new StartError('registry.file.path: expected the path of a file with route commands, got none')
    }
    // Before the files are read, so that no change falls between.
    this.#watchFolders()
    const texts = await Promise.all(this.#files.map((file) => this.#read(file)))
    const failed = this.#files.filter(({ error }) => error !== '')
    if (failed.length > 0) {
      await this.close()
      throw new StartError(failed.map(wordsOf))
    }
    if (this.#isClosed) return
    this.#listener = listener
    if (this.#files.length === 1) listener.noRoutePageChanged('')
    this.#files.forEach((file, at) => {
      this.#tell(file, texts[at]!)
    })
    this.#lastReadAt = this.#clock.now()
    listener.statusChanged()
    this.#schedulePoll()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelPoll()
    this.#cancelLook()
    this.#endWatches()
  }

  #watchFolders(): void {
    this.#endWatches()
    for (const folder of new Set(this.#files.map(({ path }) => dirname(path)))) {
      try {
        this.#watches.push(
          this.#system.watch(
            folder,
            () => this.#touched(),
            (error) => this.#watchFailed(folder, error),
          ),
        )
      } catch (error) {
        this.#watchFailed(folder, error)
      }
    }
  }

  #endWatches(): void {
    for (const end of this.#watches.splice(0)) end()
  }

  #watchFailed(folder: string, error: unknown): void {
    if (this.#isWatchFailureKnown || this.#isClosed) return
    this.#isWatchFailureKnown = true
    this.#log.warn(
      'file',
      'watch-failed',
      `cannot watch ${folder}: ${messageOf(error)}; changes are found within ${pollMs / 1000} s`,
    )
  }

  /** Looks once the folder has been quiet for a moment: the first event of a file being written is that it is empty. */
  #touched(): void {
    if (this.#isClosed) return
    const now = this.#clock.monotonic()
    this.#touchedAt ??= now
    const wait = Math.max(0, Math.min(quietMs, this.#touchedAt + longestUnquietMs - now))
    this.#cancelLook()
    this.#cancelLook = this.#clock.after(wait, () => {
      this.#touchedAt = null
      // Still reading for the first time.
      if (this.#listener === null) this.#touched()
      else void this.#look()
    })
  }

  #schedulePoll(): void {
    this.#cancelPoll = this.#clock.after(pollMs, () => void this.#poll())
  }

  async #poll(): Promise<void> {
    const isNews = await this.#look()
    if (this.#isClosed) return
    // The watch told nothing of it: what it watches may not be what stands at the path now.
    if (isNews) this.#watchFolders()
    this.#schedulePoll()
  }

  /** Resolves with whether anything is different from what was known. Never rejects. */
  #look(): Promise<boolean> {
    this.#mustLookAgain = true
    this.#looking ??= this.#lookUntilDone()
    return this.#looking
  }

  async #lookUntilDone(): Promise<boolean> {
    let isNews = false
    while (this.#mustLookAgain && !this.#isClosed) {
      this.#mustLookAgain = false
      for (const file of this.#files) {
        const before = file.error
        const text = await this.#read(file)
        if (this.#isClosed) return isNews
        const isOther = text !== null && text !== file.text
        if (isOther) this.#tell(file, text)
        if (file.error !== before) this.#stateChanged(file)
        isNews ||= isOther || file.error !== before
      }
      if (this.#files.every(({ error }) => error === '')) this.#lastReadAt = this.#clock.now()
    }
    // In the same step as the last look at whether to go on, or an event could come between and be lost.
    this.#looking = null
    return isNews
  }

  /** Null: it could not be read, and the file's error says why. */
  async #read(file: WatchedFile): Promise<string | null> {
    try {
      const text = await this.#system.read(file.path)
      file.error = ''
      return text
    } catch (error) {
      file.error = messageOf(error)
      return null
    }
  }

  #tell(file: WatchedFile, text: string | null): void {
    file.text = text
    this.#safely(() => file.tell(text ?? ''))
  }

  #stateChanged(file: WatchedFile): void {
    if (file.error === '') this.#log.info('file', 'read-recovered', `${file.path} can be read again`)
    else this.#log.warn('file', 'read-failed', `${wordsOf(file)}; keeping what was read before`)
    this.#safely(() => this.#listener?.statusChanged())
  }

  /** What others do with the news must not end the looking. */
  #safely(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#log.error('file', 'listener-failed', messageOf(error))
    }
  }
}

const watched = (key: string, path: string, tell: (text: string) => void): WatchedFile => ({
  key,
  path,
  tell,
  text: null,
  error: '',
})

const wordsOf = ({ key, path, error }: WatchedFile): string =>
  `${key}: expected a file that can be read at ${path}, got ${error}`

const pollMs = 10_000
/** How long a folder must be quiet, and for how long it may put that off. */
const quietMs = 100
const longestUnquietMs = 1_000
