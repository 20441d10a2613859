import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBasic } from '../../src/auth/credentials.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

describe('Authorization: Basic', () => {
  // RFC 7617 section 2 and 2.1.
  test.each([
    ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
    ['bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ== ', 'Aladdin', 'open sesame'],
    ['Basic dGVzdDoxMjPCow==', 'test', '123£'],
    [basic('a:b:c'), 'a', 'b:c'],
    [basic(':'), '', ''],
  ])('%s is %j and %j', (value, user, password) => {
    expect(parseBasic(value)).toEqual({ user, password: Buffer.from(password) })
  })

  test.each([
    '',
    'Basic',
    'Basic ',
    'Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==, Basic eDp5',
    'Basic QWxh*',
    basic('no colon'),
    basic('a:b\n'),
    basic('a\0:b'),
    basic(`a:${'x'.repeat(1_100)}`),
  ])('%j is nothing', (value) => {
    expect(parseBasic(value)).toBeNull()
  })

  test('says the octets that it was made of', () => {
    const octets = fc
      .uint8Array({ maxLength: 40 })
      .map((all) => Buffer.from(all.filter((o) => o >= 0x20 && o !== 0x7f)))
    fc.assert(
      fc.property(octets, octets, (user, password) => {
        fc.pre(!user.includes(0x3a))
        const found = parseBasic(
          `Basic ${Buffer.concat([user, Buffer.from(':'), password]).toString('base64')}`,
        )
        expect(found).toEqual({ user: user.toString('latin1'), password })
      }),
    )
  })
})
