import { setMaxListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/base/world.ts'
import type { ConsulClient } from '../../src/registry/consul/client.ts'
import { Contact } from '../../src/registry/consul/contact.ts'
import { textsIn } from '../../src/registry/consul/health.ts'
import { Triggers } from '../../src/registry/consul/triggers.ts'
import { type StartWatch, watch } from '../../src/registry/consul/watch.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { SimulatedConsul, type Status } from '../support/simulated-consul.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** Triggers on a simulated Consul, with the query on the names of services that the registry has. */
function start(seed: number) {
  const clock = new FakeClock()
  const world: World = { clock, random: randomOf(seed) }
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const consul = new SimulatedConsul(world, closing.signal)
  const told = new Map<string, string>()
  const contact = new Contact({ probe: async () => {}, world, changed: () => {}, signal: closing.signal })
  const startWatch: StartWatch = ({ path, onAnswer, onRefused, onReturn, signal, ...pace }) => {
    void watch({
      ask: (index, waitMs, asked) => consul.block(path, index, waitMs, asked),
      onAnswer,
      onError: onRefused,
      isLost: async () => false,
      whenThere: async () => false,
      waitForReturn: async () => {},
      world,
      signal: AbortSignal.any([closing.signal, signal]),
      ...pace,
    })
  }
  const triggers = new Triggers({
    client: { read: (path: string, signal: AbortSignal) => consul.read(path, signal) } as ConsulClient,
    contact,
    startWatch,
    startScanner: () => consul.scanner(),
    listener: {
      answered(service, { body }) {
        const text = JSON.stringify(body)
        const isNews = told.get(service) !== text
        told.set(service, text)
        return isNews
      },
      refused() {},
      servicesOn: (node) => [...told].filter(([, text]) => text.includes(`"${node}"`)).map(([name]) => name),
    },
    world,
    log,
  })
  let tags = new Map<string, string>()
  const followNames = (): void => {
    for (const name of consul.names()) triggers.follow(name)
    startWatch({
      path: '/v1/catalog/services',
      onAnswer: ({ body, index }) => {
        const now = new Map(
          Object.entries(body as object).map(([name, list]) => [name, [...textsIn(list)].sort().join()]),
        )
        const retagged = [...now.keys()].filter((name) => tags.has(name) && tags.get(name) !== now.get(name))
        const isFirst = tags.size === 0
        tags = now
        if (!isFirst) triggers.registrationsChanged(retagged, index)
        return true
      },
      onRefused() {},
      signal: closing.signal,
    })
  }
  const expectAllTold = (): void => {
    for (const name of consul.names()) {
      expect([name, JSON.parse(told.get(name) ?? 'null')]).toEqual([name, consul.entriesOf(name)])
    }
  }
  const close = async (): Promise<void> => {
    closing.abort()
    await triggers.close()
    await clock.advance(1_000)
  }
  return { clock, consul, triggers, told, followNames, expectAllTold, close }
}

/** A small generator: the same seed, the same story. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

type Step =
  | { readonly kind: 'flip'; readonly at: number; readonly status: Status }
  | { readonly kind: 'join'; readonly service: number; readonly node: number }
  | { readonly kind: 'leave'; readonly at: number }
  | { readonly kind: 'retag'; readonly at: number }
  | { readonly kind: 'maintenance'; readonly node: number; readonly isOn: boolean }
  | { readonly kind: 'move'; readonly at: number }

const number = fc.nat(50)
const visible: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('flip' as const), at: number, status: status() }), weight: 4 },
  fc.record({ kind: fc.constant('join' as const), service: fc.nat(4), node: fc.nat(2) }),
  fc.record({ kind: fc.constant('leave' as const), at: number }),
  fc.record({ kind: fc.constant('retag' as const), at: number }),
  fc.record({ kind: fc.constant('maintenance' as const), node: fc.nat(2), isOn: fc.boolean() }),
)
const invisible: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('move' as const), at: number })

function status(): fc.Arbitrary<Status> {
  return fc.constantFrom('passing' as const, 'critical' as const, 'warning' as const)
}

const base = (service: number) => ({ service: `s${service}`, node: `n${service % 3}`, tags: ['urlprefix-/'] })

async function play(
  steps: readonly (readonly [Step, number])[],
  seed: number,
  patience: number,
): Promise<void> {
  const story = start(seed)
  const { clock, consul } = story
  let port = 1
  for (let service = 0; service < 5; service++) {
    // One that stays: of a service without any the registry knows by its name that it is gone.
    for (const id of ['stays', 'a'])
      consul.register({ ...base(service), id: `s${service}-${id}`, port: port++ })
  }
  await clock.advance(1_000)
  story.followNames()
  await clock.advance(3_000)
  story.expectAllTold()
  for (const [step, pause] of steps) {
    const ids = consul.ids()
    const id = 'at' in step ? ids[step.at % ids.length]! : ''
    const [service = '', name = ''] = id.split('-')
    const known = { ...base(Number(service.slice(1))), id }
    if (step.kind === 'flip') consul.setStatus(id, step.status)
    else if (step.kind === 'join')
      consul.register({
        ...base(step.service),
        node: `n${step.node}`,
        id: `s${step.service}-${port}`,
        port: port++,
      })
    else if (step.kind === 'leave') {
      if (name !== 'stays') consul.deregister(id)
    } else if (step.kind === 'maintenance') consul.setMaintenance(`n${step.node}`, step.isOn)
    else consul.register({ ...known, port: port++, tags: step.kind === 'retag' ? [`t${port}`] : known.tags })
    await clock.advance(pause)
  }
  await clock.advance(patience)
  story.expectAllTold()
  await story.close()
}

const pauses = fc.oneof(fc.nat(60), fc.nat(1_500))
const seeds = fc.integer({ min: 1, max: 2 ** 31 })

/** What once went wrong: the steps with their pauses, and the seed of the times that answers took. */
type Story = [(readonly [Step, number])[], number]

describe('a few queries for many services', () => {
  const visibleStories: Story[] = [
    // The read after a node's maintenance came from a server that had not heard of it, and nobody read again.
    [[[{ kind: 'maintenance', node: 0, isOn: true }, 0]], 1],
    // A check was critical for a moment: the list without it came before the read that showed it, and no list after.
    [
      [
        [{ kind: 'flip', at: 4, status: 'warning' }, 23],
        [{ kind: 'flip', at: 14, status: 'passing' }, 0],
      ],
      276_291_459,
    ],
    // A second read, from a server that lagged, took back what the first had told.
    [
      [
        [{ kind: 'join', service: 0, node: 0 }, 39],
        [{ kind: 'flip', at: 4, status: 'critical' }, 1003],
        [{ kind: 'flip', at: 17, status: 'warning' }, 25],
        [{ kind: 'flip', at: 0, status: 'critical' }, 0],
      ],
      2,
    ],
  ]
  test('tell every flip, join, leave, tag and maintenance within three seconds, whatever comes together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(visible, pauses), { maxLength: 25 }), seeds, (steps, seed) =>
        play(steps, seed, 3_000),
      ),
      { numRuns: 300, examples: visibleStories },
    )
  }, 60_000)

  const invisibleStories: Story[] = [
    // A read of all services was due in that moment, from a server that had not heard of the last one's new address.
    [
      [
        [{ kind: 'move', at: 0 }, 1021],
        [{ kind: 'move', at: 0 }, 352],
        [{ kind: 'move', at: 0 }, 529],
        [{ kind: 'move', at: 48 }, 0],
      ],
      1,
    ],
  ]
  test('tell in the end what no check shows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.oneof(visible, invisible), pauses), { maxLength: 25 }),
        seeds,
        (steps, seed) => play(steps, seed, 6_000),
      ),
      { numRuns: 300, examples: invisibleStories },
    )
  }, 60_000)
})
