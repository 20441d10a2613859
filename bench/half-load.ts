import { type BenchCase, cases } from './cases.ts'
import { cpuSeconds } from './cpu.ts'
import { h2load } from './load/h2load.ts'
import { measureCase, type Round } from './measure.ts'
import { type BenchOptions, UsageError } from './options.ts'
import { ratioCell, renderSpread, renderTable } from './report.ts'
import {
  type BenchContext,
  choosePeers,
  createGenerator,
  describeStage,
  names,
  onStage,
  type Stage,
  subjectOf,
} from './stage.ts'
import { ratioOf, spreadOf } from './statistics.ts'

/**
 * Latencies of `small` at one absolute rate for all: half of what the slower of them can do. Rejects where a proxy
 * fails a request, or the generator does not come up to the rate.
 */
export const runHalfLoad = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    if (!stage.has('h2load') || !stage.has('wrk')) {
      throw new UsageError(['--half: expected wrk and h2load on PATH (apt install wrk nghttp2-client)'])
    }
    const chosen = choosePeers(stage).filter(
      ({ name }) => options.peers !== null || /gatehouse|haproxy/.test(name),
    )
    await describeStage(stage, chosen)
    const subjects = chosen.map((peer) => subjectOf(peer, stage))
    const small: BenchCase = cases.find(({ name }) => name === 'small')!
    const { seconds, warmUps } = options
    const generator = createGenerator(stage)
    const full = await measureCase(small, subjects, {
      ...{ rounds: Math.min(3, options.rounds), seconds, warmUps, generator },
      progress: context.progress,
    })
    const rates = full.map(
      ({ rounds }) => spreadOf(rounds.map((each) => each.requests / each.seconds)).median,
    )
    const rate = Math.floor(Math.min(...rates) / 2)
    const most = full.map(({ name }, i) => `${name} ${Math.round(rates[i]!)}`).join(', ')
    context.print(`requests/s at full load: ${most}\nrate: ${rate} requests/s, rounds: ${options.rounds}\n\n`)
    const rounds = await timeAtRate(small, rate, subjects, stage)
    context.print(render(names(chosen).split(', '), rounds))
  })

async function timeAtRate(
  benchCase: BenchCase,
  rate: number,
  subjects: readonly ReturnType<typeof subjectOf>[],
  stage: Stage,
): Promise<readonly Round[][]> {
  const { context, options, processes, cores, folder } = stage
  const generator = createGenerator(stage)
  const paced = h2load(processes.runner(cores.load), folder)
  const rounds: Round[][] = subjects.map(() => [])
  for (let round = 1; round <= options.rounds; round++) {
    context.progress(`half load: round ${round} of ${options.rounds}`)
    for (const [i, subject] of subjects.entries()) {
      const { pid, port, stop } = await subject.start()
      for (let wave = 0; wave < options.warmUps; wave++) await generator.run({ port, benchCase, seconds: 1 })
      const before = cpuSeconds(pid)
      const result = await paced.run({ port, benchCase, seconds: options.seconds }, rate)
      const used = cpuSeconds(pid) - before
      if (result.errors + result.refused > 0) {
        throw new Error(`${subject.name}, half load: ${result.errors} failed, ${result.refused} were not 2xx`)
      }
      rounds[i]!.push({ ...result, cpuSeconds: used })
      await stop()
    }
  }
  return rounds
}

function render(all: readonly string[], rounds: readonly Round[][]): string {
  const base = all.indexOf('haproxy')
  const of = (i: number, pick: (round: Round) => number): number[] => rounds[i]!.map(pick)
  return renderTable(
    ['proxy', 'p50 ms', 'p99 ms', ...(base === -1 ? [] : ['p99 x haproxy']), 'core'],
    all.map((name, i) => [
      name,
      renderSpread(spreadOf(of(i, ({ p50 }) => p50)), 3),
      renderSpread(spreadOf(of(i, ({ p99 }) => p99)), 3),
      ...(base === -1
        ? []
        : [
            ratioCell(
              i === base,
              ratioOf(
                of(i, ({ p99 }) => p99),
                of(base, ({ p99 }) => p99),
              ),
            ),
          ]),
      // The second in which the connections settle is in the CPU time, and not in the window.
      `${Math.round(100 * spreadOf(of(i, (each) => each.cpuSeconds / (each.seconds + 1))).median)} %`,
    ]),
  )
}
