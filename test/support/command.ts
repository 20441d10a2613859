import { fileURLToPath } from 'node:url'
import { StartError } from '../../src/base/errors.ts'
import { systemWorld } from '../../src/base/world.ts'
import type { Command } from '../../src/cli/command.ts'

export interface Ran {
  readonly code: number
  readonly output: string
  readonly complaints: string
}

/**
 * Runs a command in this process as `main.ts` does: what it throws for its user becomes words and an exit code.
 *
 * @param files by path, for those that read some
 */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  let output = ''
  let complaints = ''
  const complain = (text: string): void => {
    complaints += text
  }
  try {
    const code = await command({
      argv,
      env: {},
      interfaces: {},
      hostname: 'test',
      version: '0.0.0-test',
      assets: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
      world: systemWorld,
      readFile: async (path) => {
        const text = files[path]
        if (text === undefined) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' })
        return text
      },
      readFolder: async () => [],
      print: (text) => {
        output += text
      },
      complain,
      writeOut: (octets, done) => {
        output += octets.toString('latin1')
        done(null)
      },
      checkWritable: () => Promise.resolve(),
      pid: 1,
      usage: () => ({ cpuSeconds: 1, residentBytes: 2, heapBytes: 3, busySeconds: 4 }),
      cores: 1,
      openFiles: null,
      fork: null,
      onHangup() {},
      onReplaceWorkers() {},
      stop: new AbortController().signal,
      onHastyStop() {},
    })
    return { code, output, complaints }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    for (const mistake of error.mistakes) complain(`gatehouse: ${mistake}\n`)
    return { code: error.exitCode, output, complaints }
  }
}
