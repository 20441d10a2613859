import { readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type BenchCase, cases, hostOf } from './cases.ts'
import { checkProxy } from './check.ts'
import { connections } from './load/generator.ts'
import { measureCase, type RunningSubject, type Subject } from './measure.ts'
import { observerReport } from './micro/observer.ts'
import type { BenchOptions } from './options.ts'
import { gatehouse, gatehouseWith, routesFile } from './peers/gatehouse.ts'
import { announcedPort, freePort, untilReady } from './processes.ts'
import type { SinkCounts } from './programs/sink.ts'
import { ratioCell, renderSpread, renderTable, summarise } from './report.ts'
import { type BenchContext, createGenerator, describeStage, onStage, type Stage, subjectOf } from './stage.ts'

/** Gatehouse with something that watches it. */
interface Watched {
  readonly name: string
  /** Whom it is compared with, by name: the same without what is measured. */
  readonly against: string
  readonly lines: readonly string[]
  /** Runs beside it; the returned function ends that. */
  beside?(running: RunningSubject): Promise<() => Promise<void>>
  /** What has to be there after a second of load. Rejects where it is not. */
  prove?(): Promise<void>
  /** Clears what a window has left. */
  clear?(): Promise<void>
}

const services = 2_000
/** How long the sink may take to hear of what was sent. */
const patienceMs = 5_000

/**
 * What access log, tracing and metrics cost: `small`, through Gatehouse with one of them each and as it is by default,
 * in alternating rounds. Each is first shown to do what it is paid for. Metrics have no switch, so what they cost is
 * told by the small benchmark of those who hear of requests.
 */
export const runCost = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    const small: BenchCase = cases.find(({ name }) => name === 'small')!
    const all = await watchedOf(stage)
    const subjects = all.map((watched) => ({ watched, subject: watchedSubject(watched, stage) }))
    const generator = createGenerator(stage)
    for (const { watched, subject } of subjects) {
      const { port, stop } = await subject.start()
      await checkProxy(watched.name, port, [small], null)
      await generator.run({ port, benchCase: small, seconds: 1 })
      await stop(async () => watched.prove?.())
    }
    context.print(`right, and at work: ${all.map(({ name }) => name).join('; ')}\n`)
    if (options.check) return

    const { machine, versions } = await describeStage(stage, [gatehouse])
    const { rounds, seconds, warmUps } = options
    context.print(
      `${generator.name}, ${connections} connections, rounds: ${rounds} of ${seconds} s after ${warmUps} s of warm-up\n\n`,
    )
    const measured = await measureCase(
      small,
      subjects.map(({ subject }) => subject),
      {
        ...{ rounds, seconds, warmUps, generator },
        progress: context.progress,
      },
    )
    const summaries = summarise(
      measured,
      all.map(({ against }) => against),
    )
    context.print(
      renderTable(
        ['gatehouse', 'CPU us/request', 'x', 'against', 'requests/s', 'p99 ms', 'core'],
        summaries.map(({ name, cpu, ratios, requestsPerSecond, p99, core }, i) => [
          name,
          renderSpread(cpu, 1),
          ratioCell(all[i]!.against === name, ratios[all[i]!.against]!),
          all[i]!.against === name ? '' : all[i]!.against,
          String(Math.round(requestsPerSecond.median)),
          p99.median.toFixed(2),
          `${Math.round(core.median * 100)} %`,
        ]),
      ),
    )
    context.print(`\n${observerReport()}`)
    if (options.json === null) return
    const report = { machine, versions, cores: stage.cores, rounds, seconds, warmUps, measured, summaries }
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
  })

async function watchedOf(stage: Stage): Promise<Watched[]> {
  const { context, processes, cores, folder } = stage
  const program = (name: string, args: readonly string[]) =>
    processes.start({
      name,
      command: context.node,
      args: [join(context.compiled, `programs/${name}.js`), ...args],
      core: cores.load,
    })
  const sink = await announcedPort(program('sink', []))

  const base = 'default'
  const accessLog = (format: 'common' | 'json'): Watched => {
    const file = join(folder, `access-${format}.log`)
    return {
      name: `access log, ${format}`,
      against: base,
      lines: [`log.access.target = ${file}`, `log.access.format = ${format}`],
      async prove() {
        const [line = ''] = (await readFile(file, 'latin1')).split('\n', 1)
        const isRight = /\bGET\b.*\b200\b/.test(line) && line.startsWith('{') === (format === 'json')
        if (!isRight) throw new Error(`access log, ${format}: expected a line of a request, got "${line}"`)
      },
      clear: () => rm(file, { force: true }),
    }
  }
  const tracing = (ratio: number): Watched => ({
    name: `tracing, ratio ${ratio}`,
    against: base,
    lines: [`tracing.endpoint = http://127.0.0.1:${sink}/spans-${ratio}`, `tracing.ratio = ${ratio}`],
    prove: () => heard(`/spans-${ratio}`, sink, ratio > 0),
  })
  const file = join(folder, 'services.txt')
  await writeFile(
    file,
    `route add bench-upstream / http://127.0.0.1:${stage.upstreamPort}/\n` +
      routesFile(services, stage.upstreamPort),
  )
  const admin = await freePort()
  const many = {
    name: `${services} services`,
    lines: ['registry.backend = file', `registry.file.path = ${file}`, `ui.addr = 127.0.0.1:${admin}`],
    // A service that was never asked has no series.
    beside: async ({ port }: RunningSubject) => {
      await askEach(port, services)
      return async () => {}
    },
  }
  return [
    { name: base, against: base, lines: [] },
    accessLog('common'),
    accessLog('json'),
    ...[0, 0.01, 1].map(tracing),
    {
      name: 'StatsD, each second',
      against: base,
      lines: [
        'metrics.target = statsd_raw',
        `metrics.statsd.addr = 127.0.0.1:${sink}`,
        'metrics.interval = 1s',
      ],
      prove: () => heard('/datagrams', sink, true),
    },
    { ...many, against: base },
    {
      ...many,
      name: `${services} services, scraped each second`,
      against: many.name,
      async beside(running) {
        await many.beside(running)
        const scraper = program('scraper', [String(admin)])
        const hasScraped = (): true | null => (scraper.output() === '' ? null : true)
        await untilReady(scraper, 'it to scrape', hasScraped)
        return async () => {
          const problem = scraper.exit()
          const [, count = '0', octets = '0'] = /scrape (\d+): (\d+) octets\n$/.exec(scraper.output()) ?? []
          await scraper.stop()
          // Each service has some fifty lines.
          if (problem !== null || Number(count) < 1 || Number(octets) < services * 1_000) {
            const found = `${count} of ${octets} octets${problem === null ? '' : `; ${problem}`}`
            throw new Error(`scraper: expected scrapes with ${services} services, got ${found}`)
          }
        }
      },
    },
  ]
}

/** A subject whose stop can look at what is there before it is cleared. */
interface WatchedSubject extends Subject {
  start(): Promise<RunningSubject & { stop(look?: () => Promise<void>): Promise<void> }>
}

function watchedSubject({ name, lines, beside, clear }: Watched, stage: Stage): WatchedSubject {
  const subject = subjectOf(gatehouseWith(name, lines), stage)
  return {
    ...subject,
    async start() {
      const running = await subject.start()
      const end = await beside?.(running)
      return {
        ...running,
        async stop(look?: () => Promise<void>) {
          await end?.()
          await running.stop()
          await look?.()
          await clear?.()
        },
      }
    },
  }
}

/** Whether the sink got something at a path, or nothing. Rejects where it is the other. */
async function heard(path: string, port: number, expected: boolean): Promise<void> {
  const countOf = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`)
    return ((await answer.json()) as SinkCounts)[path] ?? 0
  }
  const end = performance.now() + patienceMs
  let count = await countOf()
  while (expected && count === 0 && performance.now() < end) {
    await pause(50)
    count = await countOf()
  }
  if (count > 0 !== expected)
    throw new Error(`sink: expected ${expected ? 'something' : 'nothing'} at ${path}, got ${count}`)
}

/** One request for each host of the table. */
async function askEach(port: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const ask = (n: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { host: hostOf(n) }
      get({ host: '127.0.0.1', port, path: '/small', agent, headers }, (answer) => {
        answer.resume().on('end', () => {
          if (answer.statusCode === 200) resolve()
          else reject(new Error(`${hostOf(n)}: expected status 200, got ${answer.statusCode}`))
        })
      }).on('error', reject)
    })
  try {
    await Promise.all(Array.from({ length: count }, (_, n) => ask(n)))
  } finally {
    agent.destroy()
  }
}
