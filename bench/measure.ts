import type { BenchCase } from './cases.ts'
import { cpuSeconds } from './cpu.ts'
import type { LoadGenerator, LoadResult } from './load/generator.ts'

/** A proxy that can be started as often as wanted. */
export interface Subject {
  readonly name: string
  /** A value of Host that it serves; null: any. */
  readonly host: string | null
  /** Resolves when it answers. */
  start(): Promise<RunningSubject>
}

export interface RunningSubject {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** One timed window of one proxy. */
export interface Round extends LoadResult {
  /** CPU time of the proxy's processes in the window, in seconds. */
  readonly cpuSeconds: number
}

export interface Measured {
  readonly name: string
  readonly rounds: readonly Round[]
}

export interface MeasureOptions {
  readonly rounds: number
  /** Length of a window. */
  readonly seconds: number
  /** How many times 1 s of load come before a window. */
  readonly warmUps: number
  readonly generator: LoadGenerator
  /** Told of each round as it begins. */
  progress(text: string): void
}

/**
 * Times a case, one proxy after the other and then again (A B C, A B C, …), so that what disturbs the machine for a
 * while disturbs all of them. Rejects at the first answer that is not right.
 *
 * Each window has a process of its own: what V8 makes of a program depends on what it happened to see first, and stays
 * for the life of the process, so the rounds of one process would all show the same throw of the dice.
 */
export async function measureCase(
  benchCase: BenchCase,
  subjects: readonly Subject[],
  options: MeasureOptions,
): Promise<Measured[]> {
  const measured = subjects.map((subject) => ({ subject, rounds: [] as Round[] }))
  for (let round = 1; round <= options.rounds; round++) {
    options.progress(`case ${benchCase.name}: round ${round} of ${options.rounds}`)
    for (const { subject, rounds } of measured) {
      const where = `${subject.name}, case ${benchCase.name}, round ${round}`
      const running = await subject.start()
      rounds.push(await measureRound(where, benchCase, running, options))
      await running.stop()
    }
  }
  return measured.map(({ subject, rounds }) => ({ name: subject.name, rounds }))
}

async function measureRound(
  where: string,
  benchCase: BenchCase,
  { pid, port }: RunningSubject,
  { seconds, warmUps, generator }: MeasureOptions,
): Promise<Round> {
  // In several waves: V8 throws away much of what it compiled when it sees connections end for the first time.
  for (let wave = 1; wave <= warmUps; wave++) {
    refuseErrors(`${where}, warm-up`, await generator.run({ port, benchCase, seconds: 1 }))
  }
  const before = cpuSeconds(pid)
  const result = await generator.run({ port, benchCase, seconds })
  const after = cpuSeconds(pid)
  refuseErrors(where, result)
  return { ...result, cpuSeconds: after - before }
}

function refuseErrors(where: string, { requests, errors, refused }: LoadResult): void {
  if (requests > 0 && errors === 0 && refused === 0) return
  throw new Error(
    `${where}: expected answers and nothing but good ones, got ${requests} answers, ` +
      `${refused} of them not 2xx, and ${errors} failed requests`,
  )
}
