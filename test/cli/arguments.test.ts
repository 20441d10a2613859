import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readArguments, UsageError } from '../../src/cli/arguments.ts'
import { optionKeys } from '../../src/config/options.ts'

const own = { json: 'bool', admin: 'value', header: 'list' } as const
const read = (argv: readonly string[], most = 1) => {
  const { options, flags, operands } = readArguments(argv, own, most)
  return { options, flags: Object.fromEntries(flags), operands }
}

describe('the command line of a command with flags of its own', () => {
  test.each([
    [['--json', '/x'], { options: [], flags: { json: [''] }, operands: ['/x'] }],
    [['/x', '-json'], { options: [], flags: { json: [''] }, operands: ['/x'] }],
    [['-cfg', 'F', '/x'], { options: ['-cfg', 'F'], flags: {}, operands: ['/x'] }],
    [['-cfg=F', '/x'], { options: ['-cfg=F'], flags: {}, operands: ['/x'] }],
    [['-insecure', '/x'], { options: ['-insecure'], flags: {}, operands: ['/x'] }],
    [['-no.such', 'v', '/x'], { options: ['-no.such', 'v'], flags: {}, operands: ['/x'] }],
    [['--admin', ':1', '--admin=:2'], { options: [], flags: { admin: [':2'] }, operands: [] }],
    [
      ['--header', 'A: 1', '--header=B: 2=3'],
      { options: [], flags: { header: ['A: 1', 'B: 2=3'] }, operands: [] },
    ],
    [['-h', '/x'], { options: ['-h'], flags: {}, operands: ['/x'] }],
  ])('%j is parted', (argv, parted) => {
    expect(read(argv)).toEqual(parted)
  })

  test.each([
    [['--admin'], 'flag --admin: expected a value, got nothing'],
    [['/x', '/y'], 'argument "/y": expected at most 1, got this'],
  ])('%j is a mistake of whoever typed it', (argv, words) => {
    expect(() => read(argv)).toThrow(new UsageError(words))
    expect(new UsageError(words).exitCode).toBe(2)
  })

  test('nothing is lost: every argument is an option, a flag or an operand', () => {
    const word = fc.oneof(
      fc.constantFrom('--json', '--header', '-cfg', '-insecure', '-h', '/x', '--'),
      fc.constantFrom(...optionKeys.map((key) => `-${key}`)),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        let parted: ReturnType<typeof readArguments>
        try {
          parted = readArguments(argv, own, 8)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          return
        }
        const known = argv.filter((arg) => !/^--?(json|admin|header)(=|$)/s.test(arg))
        const { options, operands, flags } = parted
        const values = [...flags.values()].flat()
        for (const arg of known) expect([...options, ...operands, ...values]).toContain(arg)
      }),
    )
  })
})
