import { expected, type Kind, quoted, ValueError } from './kind.ts'
import { parsePairs } from './pairs.ts'

/** `ui.auth`: names of schemes of `proxy.auth`; empty: nobody is asked. */
export interface UiAuth {
  readonly read: string
  readonly write: string
}

/** `staff`, or `read=staff;write=ops`: either may be left out. */
export const uiAuth: Kind<UiAuth> = {
  type: 'names of schemes',
  parse(text) {
    const maps = parsePairs(text)
    if (maps.length > 1) throw expected('one scheme, or read=NAME;write=NAME', text)
    const pairs = maps[0] ?? new Map<string, string>()
    for (const key of pairs.keys()) {
      if (key !== '' && key !== 'read' && key !== 'write') {
        throw new ValueError(`expected read=NAME;write=NAME, got the key ${quoted(key)}`)
      }
    }
    const both = (pairs.get('') ?? '').trim()
    return {
      read: (pairs.get('read') ?? both).trim(),
      write: (pairs.get('write') ?? both).trim(),
    }
  },
}
