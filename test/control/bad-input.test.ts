// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${name} is the syntax under test.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fabioRoutes, fabioRouteText } from '../../src/admin/fabio-routes.ts'
import { tableTree } from '../../src/admin/table-tree.ts'
import { systemClock } from '../../src/base/world.ts'
import { diagnoseViews } from '../../src/cli/diagnosis.ts'
import { explainBy } from '../../src/cli/explain-by.ts'
import type { Instance, ServiceInstances } from '../../src/registry/registry.ts'
import { parseCommands, printCommand } from '../../src/route/command.ts'
import { type Planes, startPlanes } from '../support/planes.ts'

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'/ \t\n"\\,=:[]{}*?$-a\u0000\u2028é'), maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', ' ', 'NaN'),
)
const option = fc.oneof(
  odd,
  fc.constantFrom(
    ...[
      'strip=/x',
      'prepend=x',
      'host=dst',
      'proto=https',
      'proto=tcp',
      'weight=0.3',
      'weight=inf',
      'redirect=301,/x',
    ],
    ...[
      'allow=ip:10.0.0.0/8',
      'deny=x',
      'auth=none',
      'register=me',
      'matcher=glob',
      'strategy=least',
      'timeout=1s',
    ],
    ...['sticky=cookie', 'ratelimit=1/s', 'header.request.set=X-A:b', 'compress=off', 'maxconn=1', 'retry=0'],
  ),
)
const source = fc.oneof(
  odd,
  fc.constantFrom('a.net/', '/x', '*.a.net/x', ':80', ':99999', '[::1]/', '[x/', 'A.NET', '$DC.x/${DC}'),
)
const tag = fc
  .tuple(
    fc.constantFrom('urlprefix-', ' urlprefix-', 'urlprefix', ''),
    source,
    fc.array(option, { maxLength: 3 }),
  )
  .map(([prefix, route, options]) => prefix + [route, ...options].join(' '))
const word = fc.oneof(
  odd,
  source,
  fc.constantFrom('web', 'http://10.0.0.1:80/', 'weight', 'tags', 'opts', '"x"', '0.5'),
)
const line = fc.oneof(
  odd,
  fc
    .tuple(fc.constantFrom('add', 'del', 'weight', 'x'), fc.array(word, { maxLength: 7 }))
    .map(([verb, words]) => ['route', verb, ...words].join(' ')),
  fc
    .tuple(source, fc.array(option, { maxLength: 3 }))
    .map(
      ([route, options]) =>
        `route add web ${route} http://10.0.0.9:80/ weight 0.5 opts "${options.join(' ')}"`,
    ),
)
const instance: fc.Arbitrary<Omit<Instance, 'service'>> = fc.record({
  id: odd,
  node: odd,
  address: fc.oneof(odd, fc.constantFrom('10.0.0.1', '::1', 'h.example')),
  port: fc.oneof(fc.integer(), fc.constantFrom(80, 0, 65_536, Number.NaN)),
  tags: fc.array(tag, { maxLength: 4 }),
  state: fc.record({
    routed: fc.boolean(),
    health: fc.constantFrom('passing', 'warning', 'critical', 'maintenance'),
    reason: odd,
  }),
})
const service: fc.Arbitrary<ServiceInstances> = fc
  .tuple(fc.oneof(odd, fc.constantFrom('web', 'api')), fc.array(instance, { maxLength: 3 }))
  .map(([name, instances]) => ({
    service: name,
    instances: instances.map((each) => ({ ...each, service: name })),
  }))
const documents = fc.array(
  fc.record({ name: odd, text: fc.array(line, { maxLength: 5 }).map((all) => all.join('\n')) }),
  {
    maxLength: 3,
  },
)
type Step =
  | { readonly changes: ServiceInstances[] }
  | { readonly documents: { name: string; text: string }[] }
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ changes: fc.array(service, { maxLength: 4 }) }),
  fc.record({ documents }),
)

const good: ServiceInstances = {
  service: 'good-one',
  instances: [
    {
      ...{ service: 'good-one', id: 'good-1', node: 'n', address: '10.9.9.9', port: 80 },
      tags: ['urlprefix-good.example/right'],
      state: { routed: true, health: 'passing', reason: '' },
    },
  ],
}

const clock = systemClock

/** Everything that an operator may look at. */
function lookAt({ control, traffic }: Planes): void {
  const table = control.table()
  JSON.stringify([table, fabioRoutes(table), tableTree(table.routes), control.history()])
  const services = control.services()
  JSON.stringify(diagnoseViews(services, control.problems()))
  for (const { service: name } of services) expect(control.services(name)).toHaveLength(1)
  for (const url of ['http://a.net/x', '/x', 'http://good.example/right/on']) {
    explainBy({ control, traffic, clock }, { url, method: 'GET', header: [] }, '127.0.0.1')
  }
}

describe('whatever a registry says', () => {
  test.each(['prefix', 'iprefix', 'glob', 'segment'])(
    'with proxy.matcher = %s nothing throws, and the route of another service is served and shown',
    async (matcher) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
          const planes = await startPlanes(['-proxy.matcher', matcher])
          planes.tellServices([good])
          for (const each of steps) {
            if ('changes' in each) planes.tellServices([...each.changes, good])
            else {
              // Whoever writes an override may take any route away, and these few words are not likely to.
              planes.tellCommands(each.documents)
              planes.control.dryRun(each.documents[0] ?? { name: 'x', text: '' })
            }
            lookAt(planes)
            const url = 'http://good.example/right'
            const { targets } = explainBy({ ...planes, clock }, { url, method: 'GET', header: [] }, '::1')
            const right = matcher === 'glob' || targets.some((target) => target.url === 'http://10.9.9.9:80/')
            expect(right).toBe(true)
          }
          expect(planes.log.of('service-failed')).toEqual([])
          await planes.traffic.drain(0)
        }),
        { numRuns: 150 },
      )
    },
    60_000,
  )

  test('the table as commands is read as so many commands, and these print as themselves', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(service, { maxLength: 5 }), documents, async (services, overrides) => {
        const planes = await startPlanes()
        // No registry has a service without a name.
        planes.tellServices(services.filter((each) => each.service.trim() !== ''))
        planes.tellCommands(overrides)
        const text = fabioRouteText(planes.control.table())
        const printAgain = (commands: string): string[] => parseCommands(commands).commands.map(printCommand)
        // What no line can say: a name with white space stays one word, a tag with a comma becomes two.
        const isSayable = (each: string): boolean => each !== '' && !/\\x20|\\u|\\[abfnrtv]/.test(each)
        const once = printAgain(text)
        expect(once.length).toBeGreaterThanOrEqual(text.trimEnd().split('\n').filter(isSayable).length)
        expect(printAgain(once.join('\n'))).toEqual(once)
        await planes.traffic.drain(0)
      }),
      { numRuns: 300 },
    )
  }, 60_000)

  // A registry of a later day, or a bug in one: 2,000 services come in one change at the start.
  test('an instance that cannot be read costs its own service alone', async () => {
    const planes = await startPlanes()
    const broken = { ...good, service: 'broken', instances: [{ ...good.instances[0]!, tags: null as never }] }
    planes.tellServices([broken, good])
    expect(planes.control.table().routes.map(({ host }) => host)).toEqual(['good.example'])
    expect(planes.log.of('service-failed')).toEqual([expect.stringContaining('service broken: ')])
    await planes.traffic.drain(0)
  })
})
