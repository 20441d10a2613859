import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ValueError } from '../../src/config/kind.ts'
import { deregisterAfter, registeredAddress } from '../../src/config/registration.ts'
import { parseContext } from './context.ts'

describe('the registered address', () => {
  test.each([
    ['', null],
    [' ', null],
    ['10.0.0.5:9998', { host: '10.0.0.5', port: 9998 }],
    [' gate.example:80 ', { host: 'gate.example', port: 80 }],
    [':9998', { host: '', port: 9998 }],
    ['0.0.0.0:9998', { host: '0.0.0.0', port: 9998 }],
    ['[fd00::5]:9998', { host: 'fd00::5', port: 9998 }],
    ['{{ GetPrivateIP }}:9998', { host: '10.1.2.3', port: 9998 }],
    ['{{ GetInterfaceIP "wg-6" }}:9998', { host: '2a00:1450::5', port: 9998 }],
  ])('%j is %j', (text, address) => {
    expect(registeredAddress.parse(text, parseContext())).toEqual(address)
  })

  test.each([
    '10.0.0.5',
    ':http',
    ':0',
    ':70000',
    'fd00::5:9998',
    'http://gate:9998',
    'gate/x:9998',
    'a"b:1',
  ])('%j is refused', (text) => {
    expect(() => registeredAddress.parse(text, parseContext())).toThrow(
      `expected an address like 10.0.0.5:9998, gate.example:9998 or :9998, got ${JSON.stringify(text)}`,
    )
  })

  test('a template that yields nothing is refused', () => {
    const parse = () => registeredAddress.parse('{{ GetInterfaceIP "eth9" }}:9998', parseContext())
    expect(parse).toThrow(ValueError)
  })

  test('nothing throws anything but a ValueError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          registeredAddress.parse(text, parseContext())
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError)
        }
      }),
    )
  })
})

describe('the time until a registration is taken away', () => {
  test.each([
    ['', 60_000],
    ['1m', 60_000],
    ['1h30m', 5_400_000],
  ])('%j is %d ms', (text, ms) => {
    expect(deregisterAfter.parse(text, parseContext())).toBe(ms)
  })

  test.each(['30s', '0', 'soon'])('%j is refused', (text) => {
    expect(() => deregisterAfter.parse(text, parseContext())).toThrow(ValueError)
  })
})
