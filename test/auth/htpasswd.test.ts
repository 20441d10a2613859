import { describe, expect, test } from 'vitest'
import { parseHtpasswd } from '../../src/auth/htpasswd.ts'

describe('an htpasswd file', () => {
  test('has a user on each line, and the last of two lines for one counts', () => {
    const { users, mistakes } = parseHtpasswd(
      '\n# people\njoe:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\r\n  eva:a:b \n\njoe:new\n',
    )
    expect([...users].map(([user, { text }]) => [user, text])).toEqual([
      ['joe', 'new'],
      ['eva', 'a:b'],
    ])
    expect(mistakes).toEqual([])
  })

  test('a line that is none costs only itself, and the mistake says no secret', () => {
    const { users, mistakes } = parseHtpasswd('joe\n:secret\neva:$argon2id$secret\nann:\nbob:x')
    expect([...users.keys()]).toEqual(['bob'])
    expect(mistakes).toEqual([
      'line 1: expected user:hash, got no ":"',
      'line 2: expected user:hash, got no user',
      expect.stringMatching(
        /^line 3: expected a whole hash like .*, got one that begins with "\$argon2id\$"$/,
      ),
      expect.stringMatching(/^line 4: expected a whole hash like .*, got nothing$/),
    ])
    expect(mistakes.join()).not.toContain('secret')
  })

  // Blanks were cut off as JavaScript knows them: the octet 0xA0, with which `à` ends in UTF-8, was one of them, and
  // the password `voilà` another one.
  test('may have any octet in it but blanks at the ends of a line', () => {
    const { users } = parseHtpasswd(`\tjoe:voil\xc3\xa0 \r\n`)
    expect(users.get('joe')!.matches(Buffer.from('voilà'))).toBe(true)
    expect(users.get('joe')!.matches(Buffer.from('voil\xc3', 'latin1'))).toBe(false)
  })

  test('may have nobody', () => {
    expect(parseHtpasswd('')).toEqual({ users: new Map(), mistakes: [] })
  })
})
