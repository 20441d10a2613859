import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchers } from '../../src/match/matcher.ts'
import { type Command, parseCommands } from '../../src/route/command.ts'
import { LiveTable } from '../../src/route/live.ts'
import { Overrides } from '../../src/route/overrides.ts'
import { TableBuilder } from '../../src/route/table.ts'
import { definitionsOf } from '../../src/route/tag.ts'
import { Upstreams } from '../../src/upstream/upstreams.ts'

const client = { send: () => ({ resume() {}, abort() {} }), close: async () => {}, destroy: async () => {} }
const upstreams = new Upstreams(() => client)

const host = fc.oneof(
  fc.constantFrom('', 'a.com', '*.a.com', '[2001:db8::1]', ':80', ':99999'),
  fc.string({ unit: fc.constantFrom(...'a*?[]{}\\!-,:80$'), maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('\\', '[', ']', '{', ',', '}', ':80', ':443', 'x'), maxLength: 4 }),
)
const path = fc.string({ unit: fc.constantFrom(...'/aA*?[]{}\\!-,%#'), maxLength: 8 })
const option = fc.constantFrom(
  ...['matcher=glob', 'matcher=segment', 'matcher=iprefix', 'weight=1e308', 'weight=-0', 'proto=tcp'],
  ...['redirect=301', 'redirect=301,https://x/', 'allow=ip:10.0.0.1', 'allow=x', 'host=dst', 'proto=https'],
)
const source = fc.tuple(host, path).map(([one, other]) => `${one}/${other}`)
const url = fc.constantFrom(
  'http://10.0.0.1:80/',
  'https://x:443',
  'tcp://x:1',
  'http://[::1]:0/',
  '/',
  'http://',
)
const tag = fc
  .tuple(source, fc.array(option, { maxLength: 3 }))
  .map(([one, words]) => [one, ...words].join(' '))
const line = fc
  .tuple(fc.oneof(source, host), url, fc.array(option, { maxLength: 2 }), fc.constantFrom('one', 'two'))
  .chain(([one, to, words, service]) =>
    fc.constantFrom(
      `route add ${service} ${one} ${to} weight 0.5 tags "x" opts "${words.join(' ')}"`,
      `route weight ${service} ${one} weight 0.3`,
      `route weight ${one} weight 1e-300 tags "x"`,
      `route del ${service} ${one}`,
    ),
  )

describe('whatever tags and commands say', () => {
  test('the table is built, and a route that is right is found', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...matchers),
        fc.array(fc.oneof(fc.array(tag, { maxLength: 4 }), fc.array(line, { maxLength: 4 })), {
          maxLength: 5,
        }),
        (matcher, steps) => {
          const options = {
            matcher,
            strategy: 'rr',
            queue: { size: 100, timeout: 5_000 },
            unhealthyRoute: '503',
            random: () => 0,
            compilePlan: () => ({}),
          } as const
          const live = new LiveTable(new TableBuilder(options, upstreams))
          const overrides = new Overrides(matcher, [])
          const publish = (services: readonly string[]): void => {
            live.apply(
              services.map((service) => ({ service, definitions: overrides.definitionsOf(service) })),
            )
          }
          const setTags = (service: string, tags: readonly string[]): void => {
            const instance = { service, instance: 'n/1', address: '10.0.0.1', port: 80, tags, healthy: true }
            const made = definitionsOf(instance, { prefix: '', variables: { a: 'x' } })
            publish(overrides.setService(service, made.definitions))
          }
          setTags('good', ['good.example/right'])
          let commands: Command[] = []
          for (const step of steps) {
            if (step[0]?.startsWith('route ')) {
              commands = parseCommands(step.join('\n')).commands
              publish(overrides.setCommands(commands))
            } else setTags('one', step)
            expect(live.current.find('good.example', '/right', false)?.targets).toHaveLength(1)
            for (const asked of ['', 'a.com', 'x', '[2001:db8::1]']) live.current.find(asked, '/aA*', false)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
