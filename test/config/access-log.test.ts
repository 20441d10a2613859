import { describe, expect, test } from 'vitest'
import { accessFields, accessTarget } from '../../src/config/access-log.ts'
import { fields } from '../../src/observe/access-log/fields.ts'
import { parseContext } from './context.ts'

test('every field that can be asked for is written, and the other way round', () => {
  expect(accessFields.toSorted()).toEqual(Object.keys(fields).toSorted())
})

describe('log.access.target', () => {
  test.each([
    ['', null],
    ['stdout', { kind: 'stdout' }],
    ['/var/log/gatehouse/access.log', { kind: 'file', path: '/var/log/gatehouse/access.log' }],
    ['syslog+udp://10.0.0.9', { kind: 'syslog', transport: 'udp', host: '10.0.0.9', port: 514 }],
    ['syslog+tcp://logs.example:601', { kind: 'syslog', transport: 'tcp', host: 'logs.example', port: 601 }],
    ['syslog+udp://[::1]:5514', { kind: 'syslog', transport: 'udp', host: '::1', port: 5514 }],
    ['syslog+unix:///run/syslog.sock', { kind: 'syslog', transport: 'unix', path: '/run/syslog.sock' }],
  ])('%s', (text, expected) => {
    expect(accessTarget.parse(text, parseContext())).toEqual(expected)
  })

  test.each(['stderr', 'access.log', 'syslog+udp://', 'syslog+unix://here', 'syslog+udp://:514', 'syslog'])(
    '%s is refused',
    (text) => {
      expect(() => accessTarget.parse(text, parseContext())).toThrow('expected')
    },
  )

  // Node has no datagrams for it: as a file it fails to open, and as a stream it refuses.
  test.each(['/dev/log', 'syslog'])('%s is refused, and what to take in its place is said', (text) => {
    expect(() => accessTarget.parse(text, parseContext())).toThrow(
      `expected syslog+udp://127.0.0.1:514, with the syslog server listening there, got "${text}"`,
    )
  })

  test('syslog+unix:///dev/log, which may be for streams, is warned of', () => {
    const warnings: string[] = []
    const target = accessTarget.parse(
      'syslog+unix:///dev/log',
      parseContext({ warn: (text) => warnings.push(text) }),
    )
    expect(target).toEqual({ kind: 'syslog', transport: 'unix', path: '/dev/log' })
    expect(warnings).toEqual([expect.stringContaining('take syslog+udp://127.0.0.1:514')])
  })
})
