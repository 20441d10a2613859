import { describe, expect, test } from 'vitest'
import type { FromWorker, ToWorker } from '../../src/cluster/messages.ts'
import { SnapshotPacker } from '../../src/cluster/packed-snapshot.ts'
import { createSupervisor, type Supervisor } from '../../src/cluster/supervisor.ts'
import type { WorkerProcess } from '../../src/cluster/worker-link.ts'
import { boundsOf } from '../../src/observe/metrics.ts'
import { emptySnapshot, type MetricsSnapshot } from '../../src/observe/snapshot.ts'
import { CapturedLog } from '../support/captured-log.ts'
import { FakeClock, fakeWorld, settle } from '../support/fake-clock.ts'
import { definition, serviceRoutes } from '../support/routes.ts'
import { trafficOptions } from '../support/traffic.ts'

const nothing = emptySnapshot(boundsOf(trafficOptions.metrics.buckets))

const packed = (snapshot: MetricsSnapshot) => new SnapshotPacker().pack(snapshot)

/** A worker that does nothing but hear and say. */
class FakeWorker implements WorkerProcess {
  readonly pid: number
  readonly heard: ToWorker[] = []
  isKilled = false
  #say: (message: FromWorker) => void = () => {}
  #exit: (how: string) => void = () => {}

  constructor(pid: number) {
    this.pid = pid
  }

  send(message: ToWorker): void {
    this.heard.push(message)
  }

  onMessage(told: (message: FromWorker) => void): void {
    this.#say = told
  }

  onExit(told: (how: string) => void): void {
    this.#exit = told
  }

  kill(): void {
    this.isKilled = true
    this.die('ended by SIGKILL')
  }

  die(how = 'ended with code 1'): void {
    this.#exit(how)
  }

  say(message: FromWorker): void {
    this.#say(message)
  }

  serve(): void {
    this.say({ kind: 'ready' })
    this.say({ kind: 'listening' })
  }

  /** Names of the services in what it was told, from first to last. */
  get services(): string[] {
    return this.heard.flatMap((message) => {
      if (message.kind === 'start') return message.services.map(({ service }) => service)
      return message.kind === 'apply' ? message.changes.map(({ service }) => service) : []
    })
  }

  question(kind: 'metrics' | 'running'): number {
    const asked = this.heard.findLast((message) => message.kind === kind)
    return asked !== undefined && 'question' in asked ? asked.question : -1
  }
}

interface Plane {
  readonly supervisor: Supervisor
  readonly clock: FakeClock
  readonly log: CapturedLog
  readonly workers: FakeWorker[]
}

function plane(): Plane {
  const clock = new FakeClock()
  const log = new CapturedLog()
  const workers: FakeWorker[] = []
  const supervisor = createSupervisor(
    { workers: 2, log: { level: 'INFO', format: 'plain', limit: 0 }, shutdownWait: 5_000 },
    { ...trafficOptions, listeners: [] },
    {
      world: fakeWorld(clock, 0.9),
      log,
      newId: () => 'id',
      fork() {
        const worker = new FakeWorker(100 + workers.length)
        workers.push(worker)
        return worker
      },
      writeOut() {},
      print: () => {},
    },
  )
  return { supervisor, clock, log, workers }
}

async function serving(): Promise<Plane> {
  const started = plane()
  const listening = started.supervisor.listen()
  await settle()
  for (const worker of started.workers) worker.serve()
  await listening
  return started
}

const change = (service: string) => [
  serviceRoutes(service, definition(service, `/${service}`, 'http://10.0.0.1:80/')),
]

describe('the supervisor', () => {
  test('starts so many workers, and serves once all do', async () => {
    const { supervisor, workers } = plane()
    let isListening = false
    const listening = supervisor.listen().then(() => {
      isListening = true
    })
    await settle()
    expect(workers).toHaveLength(2)
    workers[0]!.serve()
    await settle()
    expect(isListening).toBe(false)
    workers[1]!.serve()
    await listening
    expect(supervisor.pids()).toEqual([100, 101])
  })

  test('gives a worker the whole table first, and then what changes', async () => {
    const { supervisor, workers } = plane()
    supervisor.apply(change('before'))
    const listening = supervisor.listen()
    await settle()
    supervisor.apply(change('meanwhile'))
    for (const worker of workers) worker.serve()
    await listening
    supervisor.apply(change('after'))
    // What is told before a worker is ready it does not hear: it is in the whole.
    const heard = (worker: FakeWorker): string[] => worker.services.slice(worker.services.indexOf('before'))
    for (const worker of workers) expect(heard(worker)).toEqual(['before', 'meanwhile', 'after'])
  })

  test('fails to start when no worker can serve, with the mistakes of the first', async () => {
    const { supervisor, workers } = plane()
    const listening = supervisor.listen()
    await settle()
    for (const [index, worker] of workers.entries()) {
      worker.say({ kind: 'failed', mistakes: [`mistake ${index}`] })
    }
    await expect(listening).rejects.toThrow('mistake 0')
  })

  test('puts another in the place of one that died, after a pause that grows', async () => {
    const { clock, log, workers } = await serving()
    workers[0]!.die()
    await clock.advance(1_000)
    expect(workers).toHaveLength(3)
    workers[2]!.die()
    await clock.advance(1_000)
    expect(workers).toHaveLength(4)
    const pauses = log.of('worker-died').map((line) => Number(/starts in (\d+) ms/.exec(line)![1]))
    expect(pauses[1]!).toBeGreaterThan(pauses[0]!)
  })

  // It was told nothing any more once its successor had been started, and went on for ever when that one failed.
  test('that replaces a worker tells both what changes, and the old one stays when the new one fails', async () => {
    const { supervisor, workers } = await serving()
    const replacing = supervisor.replaceWorkers()
    await settle()
    workers[2]!.say({ kind: 'ready' })
    supervisor.apply(change('meanwhile'))
    expect([workers[0]!.services, workers[2]!.services]).toEqual([['meanwhile'], ['meanwhile']])
    workers[2]!.say({ kind: 'failed', mistakes: ['no'] })
    await replacing
    supervisor.apply(change('later'))
    expect(workers[0]!.services).toEqual(['meanwhile', 'later'])
    expect(supervisor.pids()).toEqual([100, 101])
    expect(workers[2]!.isKilled).toBe(true)
  })

  // Two SIGUSR2 in a row replaced each worker twice at the same time: one of the two fresh ones was forgotten, and
  // served on for ever beside the other.
  test('that is told twice to replace its workers does it once after the other', async () => {
    const { supervisor, workers } = await serving()
    const replacing = Promise.all([supervisor.replaceWorkers(), supervisor.replaceWorkers()])
    for (let fresh = 2; fresh < 6; fresh++) {
      await settle()
      expect(workers).toHaveLength(fresh + 1)
      workers[fresh]!.serve()
      await settle()
      workers[fresh - 2]!.say({ kind: 'drained', cut: 0, snapshot: packed(nothing) })
    }
    await replacing
    expect(supervisor.pids()).toEqual([104, 105])
    expect(workers.filter(({ isKilled }) => !isKilled)).toHaveLength(2)
  })

  // What died was started anew beside what was to replace it: again two processes for one place.
  test('starts one successor of a worker that dies while it is replaced', async () => {
    const { supervisor, clock, workers } = await serving()
    const replacing = supervisor.replaceWorkers()
    await settle()
    workers[0]!.die()
    await clock.advance(1_000)
    expect(workers).toHaveLength(3)
    workers[2]!.serve()
    await settle()
    workers[3]!.serve()
    await settle()
    workers[1]!.say({ kind: 'drained', cut: 0, snapshot: packed(nothing) })
    await replacing
    expect(supervisor.pids().toSorted()).toEqual([102, 103])
  })

  // A worker that was just starting (another had crashed) did not hear that it was to go. It was told what to serve
  // afterwards, bound the port by itself, and took requests until it was killed at the end of proxy.shutdownwait.
  test('that ends does not let a worker begin that is only starting, and does not wait for it', async () => {
    const { supervisor, clock, log, workers } = await serving()
    workers[0]!.die()
    await clock.advance(1_000)
    const drained = supervisor.drain(5_000)
    workers[2]!.say({ kind: 'ready' })
    workers[1]!.say({ kind: 'drained', cut: 0, snapshot: packed(nothing) })
    expect(await drained).toBe(0)
    expect(workers[2]!.heard).toEqual([])
    expect(workers[2]!.isKilled).toBe(true)
    expect(log.of('worker-failed')).toEqual([])
  })

  test('counts what runs in all of them, and does not wait for one that hangs', async () => {
    const { supervisor, clock, workers } = await serving()
    const running = supervisor.running()
    workers[0]!.say({ kind: 'running', question: workers[0]!.question('running'), count: 3 })
    await clock.advance(1_000)
    expect(await running).toBe(3)
  })

  test('keeps what a worker that died had counted', async () => {
    const { supervisor, clock, workers } = await serving()
    const ask = supervisor.metrics()
    const snapshot = packed({ ...nothing, counts: { ...nothing.counts, noRoute: 7 } })
    workers[0]!.say({ kind: 'metrics', question: workers[0]!.question('metrics'), snapshot })
    await clock.advance(1_000)
    expect((await ask).counts.noRoute).toBe(7)
    workers[0]!.die()
    const again = supervisor.metrics()
    await clock.advance(1_000)
    expect((await again).counts.noRoute).toBe(7)
  })

  test('that ends lets each worker go once it is drained, adds up what they cut, and starts no other', async () => {
    const { supervisor, clock, workers } = await serving()
    const drained = supervisor.drain(5_000)
    for (const [index, worker] of workers.entries()) {
      expect(worker.heard.at(-1)).toEqual({ kind: 'drain', ms: 5_000 })
      worker.say({ kind: 'drained', cut: index + 1, snapshot: packed(nothing) })
    }
    expect(await drained).toBe(3)
    await clock.advance(60_000)
    expect(workers.map(({ isKilled }) => isKilled)).toEqual([true, true])
    expect(workers).toHaveLength(2)
  })

  test('waits for no worker that hangs while it drains', async () => {
    const { supervisor, clock } = await serving()
    const drained = supervisor.drain(5_000)
    await clock.advance(10_000)
    expect(await drained).toBe(0)
  })
})
