import { expect, test } from 'vitest'
import { Origins } from '../../src/admin/origins.ts'
import { parseCommands } from '../../src/route/command.ts'
import type { RouteDefinition } from '../../src/route/definition.ts'

const commandsOf = (text: string, document: string) => parseCommands(text, document).commands
const definitionOf = (text: string): RouteDefinition => {
  const [command] = commandsOf(text, '')
  if (command?.kind !== 'add') throw new Error(`expected a route add, got ${text}`)
  return command.definition
}

const origins = new Origins([
  ...commandsOf(
    'route add a a.com/ http://1.1.1.1:1/\nroute del x\nroute add b b.com/ http://1.1.1.1:1/',
    'kv/a',
  ),
  ...commandsOf(
    'route add a a.com/ http://1.1.1.1:1/\nroute add a a.com/ http://1.1.1.1:1/ tags "x"',
    'kv/b',
  ),
])

test.each([
  ['its line, in the first document that says it', 'route add a a.com/ http://1.1.1.1:1/', 'kv/a: line 1'],
  ['its line, comments and others counted', 'route add b b.com/ http://1.1.1.1:1/', 'kv/a: line 3'],
  ['another line for other tags', 'route add a a.com/ http://1.1.1.1:1/ tags "x"', 'kv/b: line 2'],
  [
    'its line, whatever weight it got since',
    'route add b b.com/ http://1.1.1.1:1/ weight 0.3',
    'kv/a: line 3',
  ],
])('a command comes from %s', (_, text, origin) => {
  expect(origins.of(definitionOf(text))).toBe(origin)
})

test('a tag is said to be one', () => {
  const definition = definitionOf('route add a a.com/ http://1.1.1.1:1/')
  expect(origins.of({ ...definition, origin: 'tag', instance: 'n/a' })).toBe('tag')
})
