import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultRounds, type ShaCryptId, shaCrypt } from '../../src/auth/sha-crypt.ts'
import { opensslPasswd } from '../support/openssl.ts'

const long = 'a very much longer text to encrypt.  This one even stretches over morethan one line.'
const short = 'we have a short salt string but not a short password'

// The test vectors of the specification (SHA-crypt.txt).
const vectors: [id: ShaCryptId, rounds: number, salt: string, password: string, checksum: string][] = [
  ['5', defaultRounds, 'saltstring', 'Hello world!', '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  ['5', 10_000, 'saltstringsaltstring', 'Hello world!', '3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
  ['5', 5_000, 'toolongsaltstring', 'This is just a test', 'Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5'],
  ['5', 1_400, 'anotherlongsaltstring', long, 'Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1'],
  ['5', 77_777, 'short', short, 'JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/'],
  ['5', 123_456, 'asaltof16chars..', 'a short string', 'gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD'],
  [
    ...(['5', 10, 'roundstoolow', 'the minimum number is still observed'] as const),
    'yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC',
  ],
  [
    ...(['6', defaultRounds, 'saltstring', 'Hello world!'] as const),
    'svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    ...(['6', 10_000, 'saltstringsaltstring', 'Hello world!'] as const),
    'OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
  ],
  [
    ...(['6', 5_000, 'toolongsaltstring', 'This is just a test'] as const),
    'lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
  ],
  [
    ...(['6', 1_400, 'anotherlongsaltstring', long] as const),
    'POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
  ],
  [
    ...(['6', 77_777, 'short', short] as const),
    'WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
  ],
  [
    ...(['6', 123_456, 'asaltof16chars..', 'a short string'] as const),
    'BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1',
  ],
  [
    ...(['6', 10, 'roundstoolow', 'the minimum number is still observed'] as const),
    'kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
  ],
]

describe('SHA-crypt', () => {
  test.each(vectors)('$%s$rounds=%d$%s of %j is %s', (id, rounds, salt, password, checksum) => {
    expect(shaCrypt(Buffer.from(password), id, salt, rounds)).toBe(checksum)
  })

  test.skipIf(opensslPasswd === null)('is what openssl passwd makes of any password and salt', () => {
    const salts = fc.stringMatching(/^[./0-9A-Za-z]{1,16}$/)
    // Up to beyond one block of either digest.
    const passwords = fc.stringMatching(/^[!-~]{1,140}$/)
    const rounds = fc.integer({ min: 1_000, max: 3_000 })
    fc.assert(
      fc.property(fc.constantFrom('5', '6'), salts, passwords, rounds, (id, salt, password, count) => {
        const theirs = opensslPasswd!(id, `rounds=${count}$${salt}`, password)
        const checksum = shaCrypt(Buffer.from(password), id, salt, count)
        expect(`$${id}$rounds=${count}$${salt}$${checksum}`).toBe(theirs)
      }),
      { numRuns: 25 },
    )
  })
})
