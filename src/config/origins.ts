import { isFieldName } from '../base/field-syntax.ts'
import { originPattern } from '../base/origin.ts'
import { expected, type Kind } from './kind.ts'

const items = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** Origins of pages, as `originPattern` gives them; `*` alone: any; empty: none. */
export const origins: Kind<readonly string[]> = {
  type: 'list of origins',
  parse(text) {
    const found = items(text)
    if (found.length === 1 && found[0] === '*') return found
    return found.map((item) => {
      const origin = originPattern(item)
      if (origin === null)
        throw expected('* alone, or origins like https://example.com, https://*.example.com', item)
      return origin
    })
  },
}

/** Tokens (RFC 9110 section 5.6.2), or `*` alone. */
export const names: Kind<readonly string[]> = {
  type: 'list of names',
  parse(text) {
    const found = items(text)
    for (const item of found) {
      if (!isFieldName(item) || (item === '*' && found.length > 1)) throw expected('* alone, or names', item)
    }
    return found
  },
}
