import { describe, expect, test } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { runCommand } from '../support/command.ts'

const files = {
  good: 'proxy.strategy = rnd\nui.addr = 127.0.0.1:1;rt=3s\nproxy.addr = [::1]:80,:81\n',
  bad: 'proxy.dialtimeout = fast\n\nproxy.noroutestatus = none\n',
  static: 'registry.backend = static\nregistry.static.routes = route add a /a http://h/\\nroute add b\n',
  tcp: 'registry.backend = static\nregistry.static.routes = route add a :1 tcp://h:1\n',
  stranger: `registry.backend = static\nregistry.static.routes = route add a / http://h/ opts "auth=stuff"\n`,
  file: 'registry.backend = file\nregistry.file.path = routes\n',
  tls: 'registry.consul.tls.cafile = /no/ca\n',
  token: 'b4c1-9f\n',
  auth: 'proxy.auth = name=staff;type=basic;file=/no/users,name=api;type=jwt;file=good;issuer=me\n',
}

describe('gatehouse check', () => {
  test('prints every option as it would be written, with its source, and ends with 0', async () => {
    const { code, output, complaints } = await runCommand(check, ['-cfg', 'good'], files)
    expect([code, complaints]).toEqual([0, ''])
    const lines = output.split('\n')
    expect(lines).toContain('proxy.strategy = rnd  # file good:1')
    expect(lines).toContain('ui.addr = 127.0.0.1:1;rt=3s;wt=0s;it=75s  # file good:2')
    expect(lines).toContain('proxy.addr = [::1]:80;rt=0s;wt=0s;it=75s,:81;rt=0s;wt=0s;it=75s  # file good:3')
    expect(lines).toContain('registry.retry = 500ms  # default')
    expect(lines).toContain('registry.consul.service.status = passing  # default')
  })

  // They came as what they are compiled to, a hundred lines' worth of JSON.
  test('prints formats, targets and blocks as they are written', async () => {
    const text =
      'log.access.format = json $request_uri\nlog.access.target = stdout\nproxy.trusted = 10.0.0.0/8,::1\n'
    const { output } = await runCommand(check, ['-cfg', 'own'], { own: text })
    const lines = output.split('\n')
    expect(lines).toContain('log.access.format = json $request_uri  # file own:1')
    expect(lines).toContain('log.access.target = stdout  # file own:2')
    expect(lines).toContain('proxy.trusted = 10.0.0.0/8,::1/128  # file own:3')
    const standard = await runCommand(check, [], files)
    expect(standard.output).toContain('log.access.format = common  # default\nlog.access.')
  })

  test.each([
    [['-cfg', 'bad'], 1, ['bad:1: proxy.dialtimeout: ', 'bad:3: proxy.noroutestatus: ']],
    [['-cfg', 'none'], 1, ['none: expected a file']],
    [['-proxy.straegy', 'rr'], 2, ['did you mean -proxy.strategy?']],
    [['what'], 2, ['argument "what": expected at most 0, got this']],
    [['-cfg', 'static'], 1, ['mistake: registry.static.routes: line 2: syntax error']],
    [['-cfg', 'tcp'], 0, ['warning: registry.static.routes: line 1: TCP and SNI routes are not served']],
    [
      ['-cfg', 'stranger'],
      0,
      ['warning: registry.static.routes: line 1: option "auth": expected the name of'],
    ],
    [['-cfg', 'file'], 1, ['mistake: registry.file.path: expected a file that can be read']],
    [
      ['-cfg', 'file', '-registry.file.path', 'good', '-registry.file.noroutehtmlpath', 'none'],
      1,
      ['mistake: registry.file.noroutehtmlpath: expected a file that can be read', 'mistake: good: line 1: '],
    ],
    [
      ['-registry.backend', 'custom'],
      1,
      ['mistake: registry.custom.host: expected host or host:port, got ""'],
    ],
    [['-registry.backend', 'custom', '-registry.custom.host', 'h:80'], 0, []],
    [['-cfg', 'tls'], 1, ['mistake: registry.consul.tls.cafile: expected a file that can be read']],
    [
      ['-registry.consul.tokenfile', 'none'],
      1,
      ['mistake: registry.consul.tokenfile: expected a file that can'],
    ],
    [
      ['-registry.consul.tokenfile', 'bad'],
      1,
      ['mistake: registry.consul.tokenfile: expected a file with one token'],
    ],
    [['-registry.consul.tokenfile', 'token'], 0, []],
    [
      ['-cfg', 'auth'],
      1,
      [
        'mistake: proxy.auth: staff: file: expected an htpasswd file that can be read, got ',
        'mistake: proxy.auth: api: file: expected a file with a JWK set, got ',
      ],
    ],
    [['-proxy.flushinterval', '3s'], 0, ['warning: flag -proxy.flushinterval: has no effect']],
  ])('%j ends with %d and says why', async (argv, code, words) => {
    const ran = await runCommand(check, argv, files)
    expect(ran.code).toBe(code)
    for (const part of words) expect(ran.complaints).toContain(part)
  })

  test.each([
    [['-cfg', 'good'], 0, true],
    [['-cfg', 'static'], 1, false],
    [['-cfg', 'bad'], 1, false],
    [['-proxy.straegy', 'rr'], 2, false],
  ])('%j as JSON has the same exit code, and nothing beside the JSON', async (argv, code, ok) => {
    const ran = await runCommand(check, [...argv, '--json'], files)
    expect([ran.code, ran.complaints]).toEqual([code, ''])
    const said = JSON.parse(ran.output) as { ok: boolean; mistakes: string[] }
    expect(said.ok).toBe(ok)
    expect(said.mistakes.length > 0).toBe(!ok)
  })
})
