import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type Instance, type InstanceOptions, type Stage, setStage } from './stage.ts'
import { type LoadOptions, type LoadReport, percentile, type SteadyLoad, steadyLoad } from './steady-load.ts'

// What happens to requests while instances, clients and the gateway itself come to harm: real processes under steady
// load, each request counted. FAULT_TABLE=1 prints what was counted.

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function stage(flags: readonly string[] = []): Promise<Stage> {
  const set = await setStage(flags)
  cleanups.push(() => set.close())
  return set
}

/** A stage with so many instances that are routed. */
async function stageOf(count: number, options: InstanceOptions = {}, flags: readonly string[] = []) {
  const set = await stage(flags)
  const instances: Instance[] = []
  for (let i = 0; i < count; i++) {
    const instance = await set.start(options)
    await set.register(instance)
    instances.push(instance)
  }
  await set.routes(count)
  return { set, instances }
}

const settled = (load: SteadyLoad, requests: number): Promise<unknown> => {
  const until = load.ended() + requests
  return waitFor(() => load.ended() >= until, { what: `${requests} requests more`, deadline: 20_000 })
}

/** Load while something happens, with `around` requests before it and behind. */
async function underLoad(
  name: string,
  set: Stage,
  options: LoadOptions,
  happens: (load: SteadyLoad) => Promise<unknown>,
  around = 200,
): Promise<LoadReport> {
  const load = steadyLoad(set.port, options)
  await settled(load, around)
  await happens(load)
  await settled(load, around)
  const report = await load.stop()
  if (process.env.FAULT_TABLE === '1') {
    const { sent, served, failures, durations } = report
    const p99 = percentile(durations, 99).toFixed(1)
    console.log(`fault | ${name} | ${sent} | ${served} | ${JSON.stringify(failures)} | p99 ${p99} ms`)
  }
  return report
}

const lostOf = ({ failures }: LoadReport, method?: string): number =>
  Object.entries(failures)
    .filter(([kind]) => method === undefined || kind.startsWith(`${method} `))
    .reduce((sum, [, count]) => sum + count, 0)

describe('an instance', () => {
  test('that is killed costs no GET, and the requests that it had are the only ones that may be lost', async () => {
    const { set, instances } = await stageOf(3, { delay: 5 })
    const report = await underLoad(
      'kill -9 of one of three',
      set,
      { methods: ['GET', 'POST'] },
      async (load) => {
        instances[0]!.child.kill('SIGKILL')
        await settled(load, 300)
      },
    )
    expect(report.failures).not.toHaveProperty('GET')
    expect(lostOf(report, 'GET')).toBe(0)
    // Sixteen clients: what a POST may have done on the dead instance must not be done again.
    expect(lostOf(report, 'POST')).toBeLessThanOrEqual(16)
  })

  test('that is not there although the registry lists it costs nothing, whatever the method', async () => {
    const { set, instances } = await stageOf(3)
    instances[0]!.child.kill('SIGKILL')
    await instances[0]!.exited
    const report = await underLoad(
      'port closed, still listed',
      set,
      { methods: ['GET', 'POST', 'DELETE'] },
      (load) => settled(load, 500),
    )
    expect(report.failures).toEqual({})
  })

  test('that resets connections now and then costs no GET', async () => {
    const { set, instances } = await stageOf(2)
    const flaky = await set.start({ resetEvery: 7 })
    await set.register(flaky)
    await set.routes(instances.length + 1)
    const report = await underLoad('resets every seventh request', set, {}, (load) => settled(load, 600))
    expect(report.failures).toEqual({})
  })

  test('that closes idle connections at any moment costs no GET', async () => {
    const { set } = await stageOf(2, { keepAlive: 5 })
    // The pauses of the clients are about as long as the instance keeps a connection.
    const report = await underLoad(
      'keep-alive race',
      set,
      { pause: 6, clients: 24, methods: ['GET', 'POST'] },
      (load) => settled(load, 2_000),
    )
    expect(lostOf(report, 'GET')).toBe(0)
    if (lostOf(report, 'POST') > 0)
      console.log(`keep-alive race: ${lostOf(report, 'POST')} POSTs of ${report.sent / 2}`)
    expect(lostOf(report, 'POST')).toBeLessThan(report.sent / 50)
  })

  test('whose check flaps costs nothing', async () => {
    const { set, instances } = await stageOf(2)
    const report = await underLoad('check flaps 20 times', set, { methods: ['GET', 'POST'] }, async () => {
      for (let turn = 0; turn < 20; turn++) {
        await set.setCheck(instances[0]!, turn % 2 === 0 ? 'fail' : 'pass')
        await pause(30)
      }
    })
    expect(report.failures).toEqual({})
  })

  test('that hangs holds only what was sent to it, and is asked no more once it is known', async () => {
    const { set, instances } = await stageOf(3, {}, ['-proxy.responseheadertimeout', '300ms'])
    const report = await underLoad('SIGSTOP of one of three', set, {}, async (load) => {
      instances[0]!.child.kill('SIGSTOP')
      await settled(load, 600)
    })
    // Until it is ejected, each of the sixteen clients may meet it.
    expect(lostOf(report)).toBeLessThanOrEqual(32)
    for (const kind of Object.keys(report.failures)) expect(kind).toBe('GET 504 GW_HEAD_TIMEOUT')
  })

  test('that answers 503 is asked less and less, and is believed', async () => {
    const { set } = await stageOf(2)
    const sick = await set.start({ status: 503 })
    await set.register(sick)
    await set.routes(3)
    const report = await underLoad('one of three answers 503', set, {}, (load) => settled(load, 600))
    // A third of all would be 300 and more; what it answers before it is ejected reaches the clients as it is.
    expect(lostOf(report)).toBeLessThan(60)
  })
})

describe('a deploy', () => {
  // An instance that closes its connections as it stops cuts what it has not read yet. A POST among that may have been
  // heard all the same, and nobody may send it again.
  test.each([
    ['safe', { GET: 0, POST: 5 }],
    ['always', { GET: 0, POST: 20 }],
  ])('of all instances in Registrator’s order of events, proxy.upstream.reuse = %s', async (reuse, most) => {
    const { set, instances } = await stageOf(3, { delay: 3 }, ['-proxy.upstream.reuse', reuse])
    const report = await underLoad(
      `rolling deploy, reuse ${reuse}`,
      set,
      { methods: ['GET', 'POST'] },
      async (load) => {
        for (const old of instances) {
          // A new container starts and is registered; the old one is stopped, and only when it has died is that known.
          const fresh = await set.start({ delay: 3 })
          await set.register(fresh)
          await set.routes(4)
          old.child.kill('SIGTERM')
          await old.exited
          await pause(50)
          await set.deregister(old)
          await set.routes(3)
          await settled(load, 50)
        }
      },
    )
    expect(lostOf(report, 'GET')).toBe(most.GET)
    expect(lostOf(report, 'POST')).toBeLessThanOrEqual(most.POST)
  })

  test('that changes all instances at once, blue to green, loses nothing', async () => {
    const { set, instances } = await stageOf(2, { delay: 3 })
    const report = await underLoad('blue to green', set, { methods: ['GET', 'POST'] }, async () => {
      const green = [await set.start({ delay: 3 }), await set.start({ delay: 3 })]
      for (const instance of green) await set.register(instance)
      await set.routes(4)
      for (const instance of instances) await set.deregister(instance)
      await set.routes(2)
      for (const { child } of instances) child.kill('SIGTERM')
      await Promise.all(instances.map(({ exited }) => exited))
    })
    expect(report.failures).toEqual({})
  })

  test('lets an instance finish what it has: a deregistered one gets nothing new', async () => {
    const { set, instances } = await stageOf(2, { delay: 300 })
    const report = await underLoad(
      'deregistered with requests under way',
      set,
      { clients: 8, pause: 0 },
      async () => {
        await set.deregister(instances[0]!)
        await set.routes(1)
      },
      40,
    )
    expect(report.failures).toEqual({})
  })
})

describe('the gateway', () => {
  test('that is told to end loses nothing, and ends in time', async () => {
    const { set } = await stageOf(2, { delay: 20 }, ['-proxy.shutdownwait', '5s'])
    const load = steadyLoad(set.port, { methods: ['GET', 'POST'], pause: 5 })
    await settled(load, 200)
    const begun = performance.now()
    set.gateway.child.kill('SIGTERM')
    // Clients are told with their answers that connections end, and stop asking as the port closes.
    await waitFor(() => set.gateway.complaints().includes('told to stop'), { what: 'the word that it stops' })
    await pause(400)
    const report = await load.stop()
    expect(await set.gateway.exit()).toBe(0)
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(report.failures).toEqual({})
  })

  test('one of whose workers is killed loses what that one had, and serves on', async () => {
    const { set } = await stageOf(2, { delay: 2 }, ['-proxy.workers', '2'])
    const report = await underLoad('kill -9 of one of two workers', set, { clients: 16 }, async (load) => {
      const [first] = await set.workers()
      process.kill(first!, 'SIGKILL')
      await settled(load, 400)
    })
    expect(lostOf(report)).toBeLessThanOrEqual(16)
  })
})

describe('a client', () => {
  test('that goes away ends what was asked for it', async () => {
    const set = await stage()
    const slow = await set.start({ delay: 60_000 })
    await set.register(slow)
    await set.routes(1)
    const client = connect(set.port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const open = async (): Promise<number> => (await connectionsOf(slow.port)).length
    await waitFor(async () => (await open()) === 1, { what: 'a connection to the instance' })
    client.destroy()
    await waitFor(async () => (await open()) === 0, { what: 'the end of it', deadline: 2_000 })
  })

  test('that reads slowly costs a bounded amount of memory, however large the answer', async () => {
    const { set } = await stageOf(1)
    await warmUp(set)
    const before = await set.memory()
    const readers = Array.from({ length: 200 }, () => {
      const reader = connect(set.port, '127.0.0.1')
      reader.on('error', () => {})
      reader.write('GET /?size=50000000 HTTP/1.1\r\nHost: a\r\n\r\n')
      // A little is read, and then nothing for a long time.
      reader.once('data', () => reader.pause())
      return reader
    })
    cleanups.push(() => readers.forEach((reader) => void reader.destroy()))
    await pause(3_000)
    const grown = (await set.memory()) - before
    // A buffer of 64 KiB and what belongs to a connection on both sides, for each.
    expect(grown / 2 ** 20).toBeLessThan(64)
    // The others are served as if nobody read slowly.
    const report = await underLoad('200 readers that stand still', set, { clients: 4 }, (load) =>
      settled(load, 200),
    )
    expect(report.failures).toEqual({})
  })

  test('that uploads faster than the instance reads costs a bounded amount of memory', async () => {
    const { startRawOrigin } = await import('../support/origin.ts')
    const set = await stage()
    // It takes the connection, and a little of what is sent.
    const slow = await startRawOrigin((socket) => void socket.once('data', () => socket.pause()))
    cleanups.push(() => slow.close())
    await set.register({ name: 'slow', port: slow.port } as Instance)
    await set.routes(1)
    const before = await set.memory()
    const chunk = Buffer.alloc(256 * 1024)
    const writers = Array.from({ length: 16 }, () => {
      const writer = connect(set.port, '127.0.0.1')
      writer.on('error', () => {})
      writer.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * 2 ** 20}\r\n\r\n`)
      const more = (): void => {
        while (!writer.destroyed && writer.write(chunk));
      }
      writer.on('drain', more)
      more()
      return writer
    })
    cleanups.push(() => writers.forEach((writer) => void writer.destroy()))
    await pause(2_000)
    expect(((await set.memory()) - before) / 2 ** 20).toBeLessThan(32)
  })
})

async function warmUp(set: Stage): Promise<void> {
  const load = steadyLoad(set.port, { pause: 0 })
  await settled(load, 3_000)
  await load.stop()
}

/** Established TCP connections to a port of this machine. */
async function connectionsOf(port: number): Promise<string[]> {
  const { readFile } = await import('node:fs/promises')
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n')
  return lines.filter((line) => {
    const [, , remote = '', state] = line.trim().split(/\s+/)
    return remote.endsWith(`:${hex}`) && state === '01'
  })
}
