import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { interfaces } from './context.ts'

const load = (text: string) =>
  loadConfig({
    argv: ['-cfg', 'f'],
    env: {},
    readFile: async () => text,
    fetchText: () => Promise.reject(new Error('unexpected')),
    interfaces,
    hostname: 'gate-1',
  })
const schemes =
  'proxy.auth = name=staff;type=basic;file=/a,name=ops;type=basic;file=/b,name=sso;type=forward;url=http://s/,name=api;type=jwt;file=/k;issuer=i\n'

describe('ui.auth', () => {
  test.each([
    ['', { read: '', write: '' }],
    ['staff', { read: 'staff', write: 'staff' }],
    ['read=staff;write=ops', { read: 'staff', write: 'ops' }],
    ['write=ops', { read: '', write: 'ops' }],
    ['read=staff', { read: 'staff', write: '' }],
    ['read=sso;write=ops', { read: 'sso', write: 'ops' }],
  ])('%j is %j', async (text, expected) => {
    const { config } = await load(`${schemes}ui.auth = ${text}\n`)
    expect(config['ui.auth']).toEqual(expected)
  })

  test.each([
    [
      'nobody',
      'f:2: ui.auth: nobody: expected a scheme of proxy.auth of the type basic or forward, got none of that name',
    ],
    [
      'read=staff;write=api',
      'f:2: ui.auth: api: expected a scheme of proxy.auth of the type basic or forward, got one of the type jwt',
    ],
    ['staff,ops', 'f:2: ui.auth: expected one scheme, or read=NAME;write=NAME, got "staff,ops"'],
    ['admin=ops', 'f:2: ui.auth: expected read=NAME;write=NAME, got the key "admin"'],
  ])('%j is refused', async (text, words) => {
    await expect(load(`${schemes}ui.auth = ${text}\n`)).rejects.toThrow(words)
  })
})

test('the examples of docs/ui.md are configurations', async () => {
  const page = await readFile(new URL('../../docs/ui.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/```properties\n(.*?)```/gs)].map(([, example]) => load(example!))
  expect((await Promise.all(examples)).map(({ config }) => config['ui.auth'])).toEqual([
    { read: 'staff', write: 'ops' },
    { read: 'sso', write: 'sso' },
  ])
})
