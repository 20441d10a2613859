import type { BenchCase } from './cases.ts'
import { cpuSeconds } from './cpu.ts'
import type { LoadGenerator, LoadResult } from './load/generator.ts'

/** A proxy that runs and answers right. */
export interface Subject {
  readonly name: string
  readonly pid: number
  readonly port: number
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
  readonly generator: LoadGenerator
  /** Told of each round as it begins. */
  progress(text: string): void
}

/** Load before the first window, for what only happens once: connections, compilation, memory. */
const warmUpSeconds = 2

/**
 * Times a case, one proxy after the other and then again (A B C, A B C, …), so that what disturbs the machine for a
 * while disturbs all of them. Rejects at the first answer that is not right.
 */
export async function measureCase(
  benchCase: BenchCase,
  subjects: readonly Subject[],
  { rounds, seconds, generator, progress }: MeasureOptions,
): Promise<Measured[]> {
  progress(`case ${benchCase.name}: warming up`)
  for (const subject of subjects) {
    const result = await generator.run({ port: subject.port, benchCase, seconds: warmUpSeconds })
    refuseErrors(`${subject.name}, case ${benchCase.name}, warm-up`, result)
  }
  const measured = subjects.map((subject) => ({ subject, rounds: [] as Round[] }))
  for (let round = 1; round <= rounds; round++) {
    progress(`case ${benchCase.name}: round ${round} of ${rounds}`)
    for (const { subject, rounds } of measured) {
      const before = cpuSeconds(subject.pid)
      const result = await generator.run({ port: subject.port, benchCase, seconds })
      const after = cpuSeconds(subject.pid)
      refuseErrors(`${subject.name}, case ${benchCase.name}, round ${round}`, result)
      rounds.push({ ...result, cpuSeconds: after - before })
    }
  }
  return measured.map(({ subject, rounds }) => ({ name: subject.name, rounds }))
}

function refuseErrors(where: string, { requests, errors, refused }: LoadResult): void {
  if (requests > 0 && errors === 0 && refused === 0) return
  throw new Error(
    `${where}: expected answers and nothing but good ones, got ${requests} answers, ` +
      `${refused} of them not 2xx, and ${errors} failed requests`,
  )
}
