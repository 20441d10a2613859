import type { GatewayError } from '../base/errors.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import type { CallLimits } from '../http1/messages.ts'
import type { TargetPlan } from '../route/plan.ts'
import type { Target } from '../route/table.ts'
import type { Exchange } from './exchange.ts'
import type { TargetRewrite } from './path.ts'

/** What the gateway answers itself, in place of an instance. */
export interface LocalAnswer {
  readonly status: number
  /** Field lines beside Content-Type, Content-Length and Date, each ending in CRLF. */
  readonly lines: string
  /** With the media type that it is sent as; null: no body. Octets where somebody else wrote it. */
  readonly body: { readonly type: string; readonly text: string | Buffer } | null
  /** Why the request is refused; null: the answer is no error. Errors get a body that a person can read. */
  readonly error: GatewayError | null
}

/** Null: the request may pass. */
export type Verdict = LocalAnswer | null

/** One step before a request is forwarded: options in, a function or null out. */
export interface Middleware {
  /** As people call it: `access`, `auth`. */
  readonly name: string
  /** It counts, or asks others: somebody who only wants to know what would happen does not run it. */
  readonly hasEffects: boolean
  /**
   * May answer in place of an instance, set the exchange's `requestLines` and `answerLines`, or let the request pass. A
   * promise only where it has to wait. A rejection is a GW_INTERNAL: a guard that fails lets nobody pass.
   */
  run(exchange: Exchange): Verdict | Promise<Verdict>
}

/** Fields that are written over those that a message came with. */
export interface FieldChanges {
  /** Names in lower case that do not go on. */
  readonly except: ReadonlySet<string> | null
  /** Lines that are added, each ending in CRLF. */
  readonly lines: string
}

/** Lines that the gateway adds to the answers that it gives itself, each ending in CRLF. */
export interface OwnAnswerLines {
  /** To clients without TLS. */
  readonly plain: string
  /** To clients with TLS. */
  readonly secure: string
}

/** Changes the body of an answer on its way: compresses it, for instance. */
export interface BodyFilter {
  /** Takes the next chunk, whose memory is free when this returns. False: hold back until `out.resume`. */
  write(chunk: Buffer): boolean
  /** @param trailers field lines, each ending in CRLF */
  end(trailers: string): void
  /** The client, having said false to `out.write`, takes more. */
  drained(): void
  /** The exchange is over before its end. */
  destroy(): void
}

/** Where a filter's body goes. Nothing may be written before the filter was returned. */
export interface FilterOut {
  /** False: the chunk is kept, its memory has to stay as it is until `drained`. */
  write(chunk: Buffer): boolean
  end(trailers: string): void
  /** The filter, having said false, takes more. */
  resume(): void
  fail(error: GatewayError): void
}

/** What becomes of one answer on its way, beside what its plan says of all of them. */
export interface AnswerChange {
  readonly fields: FieldChanges
  /** Whether Content-Length still says the truth. */
  readonly keepsLength: boolean
  /** Null: the body goes on as it is, or there is none. */
  readonly start: ((out: FilterOut) => BodyFilter) | null
}

/**
 * Asked for the head of every final answer of an instance; may also set the exchange's `vary`.
 *
 * @param length octets of the body, null: unknown; of an answer without one, what its Content-Length says
 */
export type ChooseChange = (
  exchange: Exchange,
  status: number,
  fields: ReceivedFields,
  length: number | null,
) => AnswerChange | null

/** What requests to one target go through: absent things are null, so that each costs one comparison. */
export interface Plan extends TargetPlan, TargetRewrite {
  /** In their order. */
  readonly before: readonly Middleware[] | null
  /** What says the same for targets whose steps before forwarding are the same. */
  readonly guards: string
  /** Whether the target is a redirect to the very URL of the request; null: it is none. */
  readonly leadsBack: ((exchange: Exchange) => boolean) | null
  /** The line that tells the instance of `strip`, ending in CRLF; empty: nothing is cut. */
  readonly prefixLine: string
  /** The Host that is sent upstream; null: the client's. */
  readonly host: string | null
  readonly request: FieldChanges | null
  readonly answer: FieldChanges | null
  /** What the answers that the gateway gives in place of the target bring. */
  readonly own: OwnAnswerLines
  /** The line of Strict-Transport-Security on answers over TLS, in place of the upstream's; empty: none. */
  readonly sts: string
  readonly change: ChooseChange | null
  /** Time limits of its own; null: those of the configuration. */
  readonly limits: CallLimits | null
  /** From the head of the request to the end of the answer, milliseconds; 0: no limit. */
  readonly timeout: number
  /** Octets of a request's body; 0: no limit but that of the listener. */
  readonly maxBody: number
  /** How often a request may be tried again. */
  readonly retries: number
}

/** The plan of a target, as `middleware/compile-plan.ts` made it. */
export const planOf = (target: Target): Plan => target.plan as Plan
