import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { vi } from 'vitest'

export interface BuiltUi {
  readonly folder: string
  remove(): Promise<void>
}

/** Builds the page with the project's own settings into a new temporary folder. */
export async function buildUi(): Promise<BuiltUi> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-ui-'))
  const root = fileURLToPath(new URL('../..', import.meta.url))
  // Vitest says `test`, with which Vite would build for development.
  vi.stubEnv('NODE_ENV', 'production')
  try {
    await build({
      configFile: join(root, 'vite.config.ts'),
      root: join(root, 'ui'),
      logLevel: 'warn',
      build: { outDir: folder, emptyOutDir: true },
    })
  } finally {
    vi.unstubAllEnvs()
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
