import { connect } from 'node:net'
import { Agent, interceptors, request } from 'undici'
import { messageOf } from '../../base/errors.ts'
import type { World } from '../../base/world.ts'
import type { CheckDefinition, CheckStatus } from './definitions.ts'

/** Takes what a check found. */
export type Report = (status: CheckStatus, output: string) => void

export interface Verdict {
  readonly status: CheckStatus
  readonly output: string
}

/** Looks once. Never rejects; the signal ends when its time is over. */
export type Probe = (signal: AbortSignal) => Promise<Verdict>

/** A check that runs. */
export interface RunningCheck {
  /** Nothing is reported after it. */
  stop(): void
}

/** Consul runs no probe more often than this, in milliseconds. */
const shortestIntervalMs = 1_000
const defaultTimeoutMs = 10_000
/** Consul's bound for the output of a check, in bytes. */
export const defaultOutputBytes = 4_096
const mostRedirects = 10

/**
 * Runs the probe an interval after it last ended, for the first time at a random point of the first interval, so that
 * checks that were registered together do not run together.
 */
export function startProbe(
  probe: Probe,
  { Interval, Timeout }: Pick<CheckDefinition, 'Interval' | 'Timeout'>,
  { clock, random }: World,
  report: Report,
): RunningCheck {
  const interval = Math.max(Interval, shortestIntervalMs)
  const timeout = Timeout > 0 ? Timeout : defaultTimeoutMs
  let stopped = false
  let end: AbortController | null = null
  let cancelNext: (() => void) | null = null
  const run = async (): Promise<void> => {
    end = new AbortController()
    const cancelTimeout = clock.after(timeout, () => end?.abort())
    const verdict = await probe(end.signal)
    cancelTimeout()
    if (stopped) return
    report(verdict.status, verdict.output)
    cancelNext = clock.after(interval, () => void run())
  }
  cancelNext = clock.after(random() * interval, () => void run())
  return {
    stop() {
      stopped = true
      cancelNext?.()
      end?.abort()
    },
  }
}

/** GET, or the method of the check, with redirects followed: 2xx is passing, 429 warning, all else critical. */
export function startHttpCheck(check: CheckDefinition, world: World, report: Report): RunningCheck {
  const agent = new Agent({
    // A connection for each run, as Consul does: a check must notice when no new ones are accepted.
    pipelining: 0,
    connect: { rejectUnauthorized: !check.TLSSkipVerify, timeout: 0 },
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: mostRedirects }))
  const method = check.Method === '' ? 'GET' : check.Method
  const most = check.OutputMaxSize > 0 ? check.OutputMaxSize : defaultOutputBytes
  const headers: Record<string, string[]> = {
    'user-agent': ['Consul Health Check'],
    accept: ['text/plain, text/*, */*'],
  }
  for (const [name, values] of Object.entries(check.Header ?? {})) headers[name.toLowerCase()] = [...values]
  const probe: Probe = async (signal) => {
    try {
      const answer = await request(check.HTTP, {
        dispatcher,
        // The type knows the usual methods only; a check may have any.
        method: method as 'GET',
        headers,
        body: check.Body === '' ? null : check.Body,
        signal,
      })
      let tail = Buffer.alloc(0)
      for await (const chunk of answer.body) tail = Buffer.concat([tail, chunk as Buffer]).subarray(-most)
      const code = answer.statusCode
      const status = code >= 200 && code <= 299 ? 'passing' : code === 429 ? 'warning' : 'critical'
      const line = `HTTP ${method} ${check.HTTP}: ${code} ${answer.statusText}`
      return { status, output: `${line} Output: ${tail.toString('utf8')}` }
    } catch (error) {
      const why = signal.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : failureOf(error)
      const verb = method.charAt(0).toUpperCase() + method.slice(1).toLowerCase()
      return { status: 'critical', output: `${verb} ${JSON.stringify(check.HTTP)}: ${why}` }
    }
  }
  const running = startProbe(probe, check, world, report)
  return {
    stop() {
      running.stop()
      void agent.destroy()
    },
  }
}

/** Passing when the address accepts a connection. */
export function startTcpCheck(check: CheckDefinition, world: World, report: Report): RunningCheck {
  return startProbe((signal) => probeTcp(check.TCP, signal), check, world, report)
}

function probeTcp(address: string, signal: AbortSignal): Promise<Verdict> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1')
  const port = address.slice(colon + 1)
  if (colon < 0 || !/^\d+$/.test(port) || Number(port) > 65_535) {
    const problem = colon < 0 ? 'missing port in address' : 'invalid port'
    return Promise.resolve({ status: 'critical', output: `dial tcp: address ${address}: ${problem}` })
  }
  return new Promise((resolve) => {
    const socket = connect({ host: host === '' ? 'localhost' : host, port: Number(port) })
    const finish = (status: CheckStatus, output: string): void => {
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      resolve({ status, output })
    }
    const giveUp = (): void => finish('critical', `dial tcp ${address}: i/o timeout`)
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('connect', () => finish('passing', `TCP connect ${address}: Success`))
    socket.on('error', (error) => finish('critical', failureOf(error)))
  })
}

/** A failure to connect or to read, in Go's words where they are known. */
function failureOf(thrown: unknown): string {
  // A name with several addresses fails with one error for each.
  const error: unknown = thrown instanceof AggregateError ? thrown.errors.at(-1) : thrown
  const { code, address, port, hostname } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
    hostname?: string
  }
  const at = address?.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  if (code === 'ECONNREFUSED') return `dial tcp ${at}: connect: connection refused`
  if (code === 'EHOSTUNREACH') return `dial tcp ${at}: connect: no route to host`
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`
  if (code === 'ECONNRESET') return 'read: connection reset by peer'
  if (code === 'UND_ERR_SOCKET') return 'EOF'
  return messageOf(error)
}

/** Critical unless somebody says otherwise once in every `ttlMs`. */
export class TtlCheck implements RunningCheck {
  readonly #ttlMs: number
  readonly #world: World
  readonly #report: Report
  readonly #most: number
  #cancel: () => void
  #lastOutput = ''

  constructor(check: CheckDefinition, world: World, report: Report) {
    this.#ttlMs = check.TTL
    this.#world = world
    this.#report = report
    this.#most = check.OutputMaxSize > 0 ? check.OutputMaxSize : defaultOutputBytes
    this.#cancel = this.#arm()
  }

  set(status: CheckStatus, output: string): void {
    const bytes = Buffer.byteLength(output)
    const kept = Buffer.from(output).subarray(0, this.#most).toString('utf8')
    this.#lastOutput = bytes > this.#most ? `${kept} ... (captured ${this.#most} of ${bytes} bytes)` : output
    this.#cancel()
    this.#cancel = this.#arm()
    this.#report(status, this.#lastOutput)
  }

  stop(): void {
    this.#cancel()
  }

  #arm(): () => void {
    return this.#world.clock.after(this.#ttlMs, () => {
      const before = this.#lastOutput
      const last = before === '' ? '' : ` (last output before timeout follows): ${before}`
      this.#report('critical', `TTL expired${last}`)
    })
  }
}

/** Passes results on only once as many as the check asks for agree in a row; 0 asks for no more than 1 does. */
export function afterInARow(check: CheckDefinition, report: Report): Report {
  let good = 0
  let bad = 0
  return (status, output) => {
    if (status === 'critical') {
      good = 0
      bad++
      if (bad >= check.FailuresBeforeCritical) report(status, output)
    } else {
      bad = 0
      good++
      if (good >= check.SuccessBeforePassing) report(status, output)
    }
  }
}
