import { type BenchCase, cases } from '../cases.ts'
import { readProcesses, treeOf } from '../cpu.ts'
import type { BenchOptions } from '../options.ts'
import { gatehouseWith } from '../peers/gatehouse.ts'
import { createQuota, type Quota } from '../quota.ts'
import { renderSpread, renderTable } from '../report.ts'
import type { BenchContext } from '../stage.ts'
import { createGenerator, describeStage, onStage, type Stage, subjectOf } from '../stage.ts'
import { ratioOf, spreadOf } from '../statistics.ts'

const counts = [1, 2, 4] as const
/** Of one core, for each process of the traffic plane: so little that the load is not the limit. */
const part = 0.15

/**
 * What more workers bring, on a machine that has no core for each: every one may use a small part of one, so the rate
 * says how much of that part becomes requests, whoever else there is. What it does not say is what cores that share
 * caches and memory take from each other.
 */
export const runWorkers = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    const small = cases.find(({ name }) => name === 'small')!
    const peers = counts.map((count) =>
      gatehouseWith(`gatehouse, workers ${count}`, [`proxy.workers = ${count}`]),
    )
    await describeStage(stage, peers.slice(0, 1))
    const rates: number[][] = counts.map(() => [])
    for (let round = 0; round < options.rounds; round++) {
      for (const [i, peer] of peers.entries()) {
        context.progress(`round ${round + 1} of ${options.rounds}: ${peer.name}`)
        const started = await subjectOf(peer, stage, null).start()
        try {
          rates[i]!.push(await rateWithin(started, counts[i]!, small, stage))
        } finally {
          await started.stop()
        }
      }
    }
    const rows = counts.map((count, i) => [
      String(count),
      renderSpread(spreadOf(rates[i]!), 0),
      renderSpread(ratioOf(rates[i]!, rates[0]!), 2),
    ])
    context.print(renderTable(['workers', 'requests/s', 'x one'], rows))
  })

/** Requests a second while each of the processes has its part of a core. */
async function rateWithin(
  { pid, port }: { pid: number; port: number },
  count: number,
  benchCase: BenchCase,
  stage: Stage,
): Promise<number> {
  const generator = createGenerator(stage)
  const { seconds, warmUps } = stage.options
  for (let i = 0; i < warmUps; i++) await generator.run({ port, benchCase, seconds: 1 })
  const processes = treeOf(pid, readProcesses()).map((each) => each.pid)
  const workers = count === 1 ? processes : processes.slice(1)
  if (workers.length !== count)
    throw new Error(`expected ${count} processes that serve, found ${workers.length}`)
  const quotas: Quota[] = []
  try {
    for (const worker of workers) {
      const quota = createQuota(`gatehouse-bench-${worker}`, part)
      quotas.push(quota)
      quota.hold(worker)
    }
    const { requests, seconds: took } = await generator.run({ port, benchCase, seconds })
    return requests / took
  } finally {
    for (const quota of quotas) quota.end()
  }
}
