import { createHash } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HashMistake, readPasswordHash } from '../../src/auth/password-hash.ts'

const ssha = (password: string, salt: string): string =>
  `{SSHA}${Buffer.concat([
    createHash('sha1').update(password).update(salt).digest(),
    Buffer.from(salt),
  ]).toString('base64')}`

// The first of each kind is from Apache's manual (Password Formats) or from the format's own tests.
const hashes: [kind: string, text: string, password: string, isSlow: boolean][] = [
  ['apr1', '$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/', 'myPassword', true],
  ['MD5-crypt', '$1$rasmusle$rISCgZzpwk3UhDidwXvin0', 'rasmuslerdorf', true],
  ['SHA', '{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', 'myPassword', false],
  ['SSHA', ssha('myPassword', 'salt'), 'myPassword', false],
  ['bcrypt 2y', '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC', 'myPassword', true],
  ['bcrypt 2a', `$2a${hashSync('geheim', 4).slice(3)}`, 'geheim', true],
  ['bcrypt 2b', hashSync('pässword', 4), 'pässword', true],
  ['bcrypt 2x', `$2x${hashSync('geheim', 4).slice(3)}`, 'geheim', true],
  ['SHA-256-crypt', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5', 'Hello world!', true],
  [
    'SHA-512-crypt with rounds',
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    'Hello world!',
    true,
  ],
  ['plain', 'myPassword', 'myPassword', false],
  ['plain that looks a little like a hash', '$ecret{1}', '$ecret{1}', false],
  ['plain by name', '{PLAIN}{SHA}x', '{SHA}x', false],
]

describe('a password kept as', () => {
  test.each(hashes)('%s is right and no other', (_kind, text, password, isSlow) => {
    const hash = readPasswordHash(text)
    expect(hash).toMatchObject({ text, isSlow })
    expect(hash.matches(Buffer.from(password))).toBe(true)
    for (const other of ['', `${password} `, password.slice(1), text, password.toUpperCase()]) {
      expect([other, other === password || !hash.matches(Buffer.from(other))]).toEqual([other, true])
    }
  })

  test.each([
    ['', 'nothing'],
    ['$apr1$r31.....$HqJZimcKQFAMYayBlzkr', '"$apr1$"'],
    ['$1$', '"$1$"'],
    ['$2y$05$c4WoMPo3SXsafkva.HHa6u', '"$2y$"'],
    ['$2y$99$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC', '"$2y$"'],
    ['$5$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl', '"$5$"'],
    ['$6$rounds=x$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl', '"$6$"'],
    ['{SHA}tooshort', '"{SHA}"'],
    ['{SHA}!', '"{SHA}"'],
    ['{SSHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', '"{SSHA}"'],
    ['{PLAIN}', '"{PLAIN}"'],
    ['$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$c2VjcmV0', '"$argon2id$"'],
    ['{CRYPT}$6$x', '"{CRYPT}"'],
    ['$y$j9T$secret', '"$y$"'],
  ])('%j is refused, and is no password in plain text', (text, found) => {
    expect(() => readPasswordHash(text)).toThrow(HashMistake)
    expect(() => readPasswordHash(text)).toThrow(
      `got ${found.startsWith('"') ? `one that begins with ${found}` : found}`,
    )
  })

  test('anything is read, or refused with words that do not repeat it', () => {
    const start = fc.constantFrom('$1$', '$apr1$', '$2b$', '$5$', '{SHA}', '{SSHA}', '$x$', '{X}', '')
    fc.assert(
      fc.property(start, fc.string({ minLength: 12 }), (kind, rest) => {
        try {
          readPasswordHash(kind + rest)
        } catch (error) {
          expect(error).toBeInstanceOf(HashMistake)
          expect((error as Error).message).not.toContain(rest)
        }
      }),
    )
  })
})
