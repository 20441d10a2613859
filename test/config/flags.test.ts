import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Flags, readFlags, wantsHelp, wantsVersion } from '../../src/config/flags.ts'
import { nearest } from '../../src/config/nearest.ts'
import { optionKeys } from '../../src/config/options.ts'
import { usage } from '../../src/config/render.ts'

const found = (flags: Partial<Flags>, values: Record<string, string> = {}): Flags => ({
  cfg: null,
  help: false,
  mistakes: [],
  warnings: [],
  ...flags,
  values: new Map(Object.entries(values)),
})

describe('the command line', () => {
  test.each<[argv: string[], flags: Flags]>([
    [[], found({})],
    [['-proxy.addr', ':80'], found({}, { 'proxy.addr': ':80' })],
    [['-proxy.addr=:80;rt=3s'], found({}, { 'proxy.addr': ':80;rt=3s' })],
    [['--proxy.addr', ':80'], found({}, { 'proxy.addr': ':80' })],
    [['--proxy.addr=:80'], found({}, { 'proxy.addr': ':80' })],
    [['-ui.title='], found({}, { 'ui.title': '' })],
    [['-ui.title=a\nb'], found({}, { 'ui.title': 'a\nb' })],
    [
      ['-ui.title', '-proxy.addr', '-ui.color', 'red'],
      found({}, { 'ui.title': '-proxy.addr', 'ui.color': 'red' }),
    ],
    [['-ui.title', 'a', '-ui.title', 'b'], found({}, { 'ui.title': 'b' })],
    [['-insecure', '-ui.title', 'a'], found({}, { insecure: 'true', 'ui.title': 'a' })],
    [['-insecure=false'], found({}, { insecure: 'false' })],
    [['-proxy.log.routes', 'all'], found({}, { 'proxy.log.routes': 'all' })],
    [['-cfg', 'f'], found({ cfg: 'f' })],
    [['--cfg', 'f', '-ui.title', 'a'], found({ cfg: 'f' }, { 'ui.title': 'a' })],
    [["-cfg='f'"], found({ cfg: 'f' })],
    [['--cfg="f"'], found({ cfg: 'f' })],
    [['-cfg', "'f'"], found({ cfg: "'f'" })],
    [['-cfg'], found({ cfg: '' })],
    [["-cfg=''"], found({ cfg: '' })],
    [['-test.v', '-ui.title', 'a'], found({}, { 'ui.title': 'a' })],
    [['-v', '-version=true'], found({})],
    [['-h'], found({ help: true })],
    [['-ui.title', 'a', '--'], found({}, { 'ui.title': 'a' })],
  ])('%j is read', (argv, flags) => {
    expect(readFlags(argv)).toEqual(flags)
  })

  test('false after a bool is its value, with a warning (quirk 51)', () => {
    expect(readFlags(['-insecure', 'false', '-ui.title', 'a'])).toEqual(
      found(
        { warnings: ['flag -insecure: false is read as its value; fabio needs -insecure=false'] },
        { insecure: 'false', 'ui.title': 'a' },
      ),
    )
  })

  test.each([
    [['-proxy.adr', ':80', '-ui.title', 'a'], 'flag -proxy.adr: unknown option; did you mean -proxy.addr?'],
    [['-Proxy.Addr=:80', '-ui.title', 'a'], 'flag -Proxy.Addr: unknown option; did you mean -proxy.addr?'],
    [['-nothing.like.it', '-ui.title', 'a'], 'flag -nothing.like.it: unknown option'],
    [
      ['-ui.title', 'a', 'serve', 'more'],
      'argument "serve": expected a flag like -proxy.addr :9999, got this',
    ],
    [
      ['-ui.title', 'a', '--', '-ui.color', 'x'],
      'argument "-ui.color": expected a flag like -proxy.addr :9999, got this',
    ],
    [['-ui.title', 'a', '-'], 'argument "-": expected a flag like -proxy.addr :9999, got this'],
    [['-ui.title', 'a', '-=x'], 'argument "-=x": expected a flag like -proxy.addr :9999, got this'],
    [['-ui.title', 'a', '---x'], 'argument "---x": expected a flag like -proxy.addr :9999, got this'],
    [['-ui.title', 'a', '-ui.color'], 'flag -ui.color: expected a value, got nothing'],
  ])('%j is a mistake', (argv, mistake) => {
    expect(readFlags(argv)).toEqual(found({ mistakes: [mistake] }, { 'ui.title': 'a' }))
  })

  test('no arguments make it throw', () => {
    const arg = fc.oneof(
      fc.string(),
      fc.constantFrom('-', '--', '-cfg', '-insecure', 'false', '-ui.title', '-x=y'),
    )
    fc.assert(fc.property(fc.array(arg), (argv) => void readFlags(argv)))
  })
})

test.each([
  [['-v'], true],
  [['-cfg', '-version'], true],
  [['-ui.title', 'a', '--version'], true],
  [['--v'], false],
  [['-v=true'], false],
  [[], false],
])('%j asks for the version: %j', (argv, answer) => {
  expect(wantsVersion(argv)).toBe(answer)
})

test.each([
  [['-h'], true],
  [['-ui.title', 'a', '--help'], true],
  [['-ui.title', '-h'], false],
  [['run', '-h'], false],
  [[], false],
])('%j asks for help: %j', (argv, answer) => {
  expect(wantsHelp(argv)).toBe(answer)
})

test('the help has every flag', () => {
  const lines = usage().split('\n')
  for (const name of [...optionKeys, 'cfg'])
    expect(lines.filter((line) => line.split(' ')[2] === `-${name}`)).toHaveLength(1)
})

test.each([
  ['proxy.dialtimout', 'proxy.dialtimeout'],
  ['proxy.dialtimeuot', 'proxy.dialtimeout'],
  ['registry.static.noroutehtmlpath', 'registry.static.noroutehtml'],
  ['registry.consul.checksrequired', 'registry.consul.checksRequired'],
  [
    'registry.consul.register.deregisterCriticalServiceAfter',
    'registry.consul.register.checkDeregisterCriticalServiceAfter',
  ],
  ['tracing.TracingEnabled', null],
  ['x', null],
  ['', null],
])('%s is most like %s', (name, near) => {
  expect(nearest(name, optionKeys)).toBe(near)
})
