import { suggestion } from './nearest.ts'
import { envName, optionKeys } from './options.ts'

export type Env = Readonly<Record<string, string | undefined>>

export interface EnvValue {
  /** As it is spelled in the environment. */
  readonly name: string
  readonly value: string
  /** False: without `FABIO_`, so it may have been meant for another program. */
  readonly prefixed: boolean
}

/**
 * Finds the variable of an option (fabio reference 13.1): `FABIO_` and the key in upper case with `_` for `.`, else the
 * same without `FABIO_`. The case of the letters does not count; where two differ only in it, the upper-case one wins.
 */
export function environmentReader(env: Env): (key: string) => EnvValue | null {
  const byName = new Map<string, { name: string; value: string }>()
  for (const [name, value] of Object.entries(env)) {
    const upper = name.toUpperCase()
    if (value !== undefined && (name === upper || !byName.has(upper))) byName.set(upper, { name, value })
  }
  return (key) => {
    const name = envName(key)
    const found = byName.get(name)
    if (found !== undefined) return { ...found, prefixed: true }
    const bare = byName.get(name.slice('FABIO_'.length))
    return bare === undefined ? null : { ...bare, prefixed: false }
  }
}

/**
 * Warns of names with `FABIO_` that are nearly the name of an option. Others are left alone: Kubernetes and Docker put
 * `FABIO_PORT` and more into the environment beside a service called fabio.
 */
export function misspelled(env: Env): string[] {
  const known = optionKeys.map(envName)
  return Object.keys(env)
    .filter((name) => name.toUpperCase().startsWith('FABIO_') && !known.includes(name.toUpperCase()))
    .map((name) => ({ name, meant: suggestion(name, known) }))
    .filter(({ meant }) => meant !== '')
    .map(({ name, meant }) => `env ${name}: unknown option, ignored${meant}`)
}
