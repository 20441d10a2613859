import type { GatewayError } from '../base/errors.ts'
import type { ReceivedFields } from '../http1/field-section.ts'
import type { ResponseSink, TunnelEnd } from '../http1/messages.ts'
import { isTrouble } from '../upstream/outcome.ts'
import type { Exchange } from './exchange.ts'
import { changedResponseLines, responseLines, trailerLines } from './headers.ts'
import type { AnswerChange, FilterOut, Plan } from './plan.ts'

/** What a relay needs of the request's phases. */
export interface RelayOwner {
  readonly date: () => string
  monotonic(): number
  upgraded(exchange: Exchange): void
  release(exchange: Exchange): void
  /** The upstream has answered, and that is news about it. */
  answered(exchange: Exchange, status: number): void
  attemptFailed(exchange: Exchange, plan: Plan, error: GatewayError): void
  fail(exchange: Exchange, error: unknown): void
  finish(exchange: Exchange): void
}

const none: ReadonlySet<string> = new Set()

/** Passes the upstream's answer to the client as it comes. HOT: one for each attempt. */
export class Relay implements ResponseSink {
  readonly #exchange: Exchange
  readonly #plan: Plan
  readonly #owner: RelayOwner

  constructor(exchange: Exchange, plan: Plan, owner: RelayOwner) {
    this.#exchange = exchange
    this.#plan = plan
    this.#owner = owner
  }

  sent(): void {
    this.#exchange.wasSent = true
    this.#exchange.timesSent++
    this.#exchange.sentAt = this.#owner.monotonic()
  }

  informed(status: number, fields: ReceivedFields): void {
    const exchange = this.#exchange
    if (!exchange.finished) exchange.client.inform(status, fields.endToEnd(0, null, none))
  }

  head(status: number, reason: string, fields: ReceivedFields, length: number | null): void {
    const exchange = this.#exchange
    if (exchange.finished) return
    const plan = this.#plan
    let change: AnswerChange | null = null
    if (plan.change !== null) {
      try {
        change = plan.change(exchange, status, fields, length)
        if (change !== null && change.start !== null) exchange.filter = change.start(this.#filterOut())
      } catch (error) {
        this.#owner.fail(exchange, error)
        exchange.call?.abort()
        return
      }
    }
    exchange.status = status
    exchange.answeredAt = this.#owner.monotonic()
    if (isTrouble(status) || exchange.upstream?.isSuspect === true) this.#owner.answered(exchange, status)
    const { client, answerLines, cookieLine, vary } = exchange
    if (
      plan.answer === null &&
      change === null &&
      answerLines === '' &&
      cookieLine === '' &&
      vary === '' &&
      (plan.sts === '' || !client.secure)
    ) {
      client.answer(status, reason, responseLines(fields, this.#owner.date), length)
      return
    }
    const isFramedAnew = change !== null && !change.keepsLength
    client.answer(status, reason, this.#changedLines(fields, change), isFramedAnew ? null : length)
  }

  /** The upstream's fields, and what the plan, the steps before and a change of the body make of them. */
  #changedLines(fields: ReceivedFields, change: AnswerChange | null): string {
    const { client, answerLines, cookieLine, vary } = this.#exchange
    const { answer, sts } = this.#plan
    const own = client.secure ? sts : ''
    const lines = changedResponseLines(fields, this.#owner.date, answer, change?.fields ?? null, vary, own)
    return lines + answerLines + cookieLine
  }

  data(chunk: Buffer): boolean {
    const exchange = this.#exchange
    if (exchange.finished) return true
    if (exchange.filter !== null) return exchange.filter.write(chunk)
    exchange.bodySize += chunk.length
    return exchange.client.write(chunk)
  }

  end(trailers: ReceivedFields | null): void {
    const exchange = this.#exchange
    if (exchange.finished) return
    const lines = trailers === null ? '' : trailerLines(trailers)
    if (exchange.filter !== null) {
      this.#owner.release(exchange)
      exchange.filter.end(lines)
      return
    }
    this.#owner.finish(exchange)
    exchange.client.end(lines)
  }

  switched(fields: ReceivedFields, tunnel: TunnelEnd): void {
    const exchange = this.#exchange
    if (exchange.finished) {
      tunnel.transport.destroy()
      return
    }
    exchange.status = 101
    exchange.answeredAt = this.#owner.monotonic()
    if (exchange.upstream?.isSuspect === true) this.#owner.answered(exchange, 101)
    exchange.tunnel = tunnel
    exchange.upstream?.tunnels.add(tunnel)
    this.#owner.upgraded(exchange)
    // What was asked for is what was agreed to: the connection takes no other answer.
    const upgrade = fields.first('upgrade') || exchange.fields.first('upgrade')
    exchange.client.switchTo(this.#changedLines(fields, null), upgrade, tunnel)
  }

  failed(error: GatewayError): void {
    const exchange = this.#exchange
    if (!exchange.finished) this.#owner.attemptFailed(exchange, this.#plan, error)
  }

  #filterOut(): FilterOut {
    const exchange = this.#exchange
    const owner = this.#owner
    return {
      write(chunk) {
        if (exchange.finished) return true
        exchange.bodySize += chunk.length
        return exchange.client.write(chunk)
      },
      end(trailers) {
        if (exchange.finished) return
        owner.finish(exchange)
        exchange.client.end(trailers)
      },
      resume: () => exchange.call?.resume(),
      fail(error) {
        if (exchange.finished) return
        owner.fail(exchange, error)
        exchange.call?.abort()
      },
    }
  }
}
