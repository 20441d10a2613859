import type { LogOptions } from '../base/log.ts'
import type { ServiceRoutes } from '../route/definition.ts'
import type { TokensTaken, TrafficOptions } from '../traffic.ts'
import type { PackedSnapshot } from './packed-snapshot.ts'

/** Everything that a worker needs to serve: plain data, for it crosses the border of a process. */
export interface WorkerStart {
  readonly kind: 'start'
  /** 1 for the first. */
  readonly number: number
  readonly options: TrafficOptions
  readonly log: LogOptions
  /** The whole table at this moment. What changes later comes as `apply`. */
  readonly services: readonly ServiceRoutes[]
  readonly noRoutePage: string
}

/** What the main process says to a worker. */
export type ToWorker =
  /** A port that it is to listen on rides along: one for each listener, in their order, before the start. */
  | { readonly kind: 'port' }
  | WorkerStart
  | { readonly kind: 'apply'; readonly changes: readonly ServiceRoutes[] }
  | { readonly kind: 'no-route-page'; readonly html: string }
  | { readonly kind: 'reopen-logs' }
  /** What it wrote last is gone. Null: it is written; else why it is lost. */
  | { readonly kind: 'output-done'; readonly error: string | null }
  | { readonly kind: 'drain'; readonly ms: number }
  | { readonly kind: 'metrics'; readonly question: number }
  | { readonly kind: 'running'; readonly question: number }
  /** What others have let pass of what is limited. */
  | { readonly kind: 'taken'; readonly tokens: readonly TokensTaken[] }

/** What a worker says to the main process. */
export type FromWorker =
  /** It listens to messages. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening' }
  /** It cannot serve: one sentence for each mistake. */
  | { readonly kind: 'failed'; readonly mistakes: readonly string[] }
  | { readonly kind: 'metrics'; readonly question: number; readonly snapshot: PackedSnapshot }
  /** How many requests it is answering. */
  | { readonly kind: 'running'; readonly question: number; readonly count: number }
  /** Nothing is served any more; with what was counted last. */
  | { readonly kind: 'drained'; readonly cut: number; readonly snapshot: PackedSnapshot }
  /** What it has let pass of what is limited, for the others. */
  | { readonly kind: 'taken'; readonly tokens: readonly TokensTaken[] }
  /** For the standard output of the main process. No other comes before this one is done. */
  | { readonly kind: 'output'; readonly octets: Uint8Array }
  /** Lines of the application log. */
  | { readonly kind: 'log'; readonly text: string }
