import type { BenchCase } from '../cases.ts'

/** What a load generator saw in one window. */
export interface LoadResult {
  /** Answers that came whole. */
  readonly requests: number
  readonly seconds: number
  /** Milliseconds from request to answer, as the generator counts them. */
  readonly p50: number
  readonly p99: number
  /** Connections that failed, answers that did not come in time. */
  readonly errors: number
  /** Answers whose status was not 2xx. */
  readonly refused: number
}

export interface Load {
  readonly port: number
  readonly benchCase: BenchCase
  readonly seconds: number
}

/** Keeps 64 connections busy from one thread, each with one request at a time. */
export interface LoadGenerator {
  readonly name: 'wrk' | 'autocannon'
  /** Rejects when the generator fails or its report cannot be read. */
  run(load: Load): Promise<LoadResult>
}

export const connections = 64

export const urlOf = ({ port, benchCase }: Load): string => `http://127.0.0.1:${port}${benchCase.path}`

/** `-H 'Name: value'` for each field, as both generators take them. */
export const fieldArguments = ({ benchCase }: Load): string[] =>
  benchCase.fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
