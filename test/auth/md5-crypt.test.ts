import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { md5Crypt } from '../../src/auth/md5-crypt.ts'
import { opensslPasswd } from '../support/openssl.ts'

describe('MD5-crypt', () => {
  // From the reference implementation, Apache's manual, PHP's tests and unix-crypt's.
  test.each([
    ['$1$', 'Hello world!', 'saltstring', 'YMyguxXMBpd2TEZ.vS/3q1'],
    ['$1$', 'rasmuslerdorf', 'rasmusle', 'rISCgZzpwk3UhDidwXvin0'],
    ['$1$', ' ', 'yiiZbNIH', 'YiCsHZjcTkYd31wkgW8JF.'],
    ['$1$', '____fifteen____', 's9lUWACI', 'Kk1jtIVVdmT01p0z3b/hw1'],
    ['$1$', '____sixteen_____', 'dL3xbVZI', 'kkgqhCanLdxODGq14g/tW1'],
    ['$1$', '____seventeen____', 'NaH5na7J', 'j7y8Iss0hcRbu3kzoJs5V.'],
    ['$1$', '__________thirty-three___________', 'HO7Q6vzJ', 'yGwp2wbL5D7eOVzOmxpsy.'],
    ['$1$', 'Pässword', 'NaH5na7J', 'MvnEHcxaKZzgBk8QdjdAQ0'],
    ['$apr1$', 'myPassword', 'r31.....', 'HqJZimcKQFAMYayBlzkrA/'],
    ['$apr1$', 'apache', 'rOioh4Wh', 'bVD3DRwksETubcpEH90ww0'],
    ['$apr1$', 'WhiteHat101', 'HIcWIbgX', 'G9YqNkCVGlFAN63bClpoT/'],
  ] as const)('%s of %j with the salt %s is %s', (magic, password, salt, checksum) => {
    expect(md5Crypt(Buffer.from(password), magic, salt)).toBe(checksum)
  })

  test.skipIf(opensslPasswd === null)('is what openssl passwd makes of any password and salt', () => {
    const salts = fc.stringMatching(/^[./0-9A-Za-z]{1,8}$/)
    const passwords = fc.stringMatching(/^[!-~]{1,60}$/)
    fc.assert(
      fc.property(fc.constantFrom('$1$', '$apr1$'), salts, passwords, (magic, salt, password) => {
        const kind = magic === '$1$' ? '1' : 'apr1'
        const theirs = opensslPasswd!(kind, salt, password)
        expect(`${magic}${salt}$${md5Crypt(Buffer.from(password), magic, salt)}`).toBe(theirs)
      }),
      { numRuns: 25 },
    )
  })
})
