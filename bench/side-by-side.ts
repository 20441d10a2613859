import { writeFile } from 'node:fs/promises'
import { type BenchCase, cases, routeCounts } from './cases.ts'
import { checkProxy } from './check.ts'
import { connections, type LoadGenerator } from './load/generator.ts'
import { type Measured, measureCase, type Subject } from './measure.ts'
import { type BenchOptions, UsageError } from './options.ts'
import { gatehouseWith, gatehouseWithRoutes } from './peers/gatehouse.ts'
import type { Peer } from './peers/peer.ts'
import { renderSummaries, summarise } from './report.ts'
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

/** Who is compared in a case, and the cores that they are held on. */
interface Field {
  readonly peers: readonly Peer[]
  readonly subjects: readonly Subject[]
}

/**
 * Starts gatehouse and its peers, checks that all answer right, times them unless only the check is asked for, and
 * ends what it started. Rejects at the first thing that is wrong.
 */
export const runSideBySide = (options: BenchOptions, context: BenchContext): Promise<void> =>
  onStage(options, context, async (stage) => {
    const chosen = choosePeers(stage)
    const selected: readonly BenchCase[] = cases.filter(({ name }) => options.cases.includes(name))
    const generator = createGenerator(stage)
    const rotating = selected.find(({ hosts }) => hosts.length > 0)
    if (rotating !== undefined && !options.check && generator.name !== 'wrk') {
      throw new UsageError([
        `--cases: expected wrk for ${rotating.name}, ${generator.name} cannot change Host`,
      ])
    }
    const fields = new Map<BenchCase['among'], Field>()
    for (const among of new Set(selected.map((each) => each.among))) {
      fields.set(among, fieldOf(among, chosen, stage))
    }
    const all = [...fields.values()].flatMap(({ peers }) => peers)
    for (const [among, { subjects }] of fields) {
      const own = selected.filter((each) => each.among === among)
      for (const { name, start, host } of subjects) {
        const { port, stop } = await start()
        await checkProxy(name, port, own, host)
        await stop()
      }
    }
    context.print(`right: ${names(all)}; cases ${names(selected)}\n`)
    if (!options.check) await timeAll(selected, fields, generator, stage)
  })

function fieldOf(among: BenchCase['among'], chosen: readonly Peer[], stage: Stage): Field {
  const on = (peers: readonly Peer[], core?: number | null): Field => ({
    peers,
    subjects: peers.map((peer) => subjectOf(peer, stage, core)),
  })
  switch (among) {
    case 'proxies':
      return on(chosen)
    case 'routes':
      return on(routeCounts.map(gatehouseWithRoutes))
    case 'workers':
      // On all cores, with the load beside them: only where there are more than two does the rate say much.
      return on(
        [1, 2].map((n) => gatehouseWith(`gatehouse, workers ${n}`, [`proxy.workers = ${n}`])),
        null,
      )
  }
}

async function timeAll(
  selected: readonly BenchCase[],
  fields: ReadonlyMap<BenchCase['among'], Field>,
  generator: LoadGenerator,
  stage: Stage,
): Promise<void> {
  const { context, options, cores } = stage
  const { print, progress } = context
  const { rounds, seconds, warmUps } = options
  const at = new Date().toISOString()
  const all = [...fields.values()].flatMap(({ peers }) => peers)
  const { machine, versions } = await describeStage(stage, all)
  print(
    `${generator.name}, ${connections} connections, rounds: ${rounds} of ${seconds} s after ${warmUps} s of warm-up\n`,
  )

  const results: (Pick<BenchCase, 'name' | 'says'> & { readonly measured: readonly Measured[] })[] = []
  for (const benchCase of selected) {
    const { name, says, among } = benchCase
    const { subjects } = fields.get(among)!
    const measured = await measureCase(benchCase, subjects, { rounds, seconds, warmUps, generator, progress })
    results.push({ name, says, measured })
    print(`\n${name}: ${says}\n${renderSummaries(summarise(measured))}`)
  }
  if (options.json === null) return
  const report = {
    at,
    machine,
    versions,
    cores,
    load: { name: generator.name, connections },
    rounds,
    seconds,
    warmUps,
    cases: results.map((result) => ({ ...result, summary: summarise(result.measured) })),
  }
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
}
