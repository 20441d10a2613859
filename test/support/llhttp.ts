import { createRequire } from 'node:module'
import type { Reading, ReadMessage, Stop } from './read-message.ts'

/** The part of Node's binding of llhttp that `node:http` itself is made of. It is nobody's documented interface. */
interface Binding {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  execute(octets: Buffer): number | (Error & { code: string; reason: string })
  finish(): undefined | (Error & { code: string; reason: string })
  [event: number]: (...args: never[]) => unknown
}

interface BindingClass {
  new (): Binding
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: BindingClass
  methods: readonly string[]
}

const strict = 0
const maxHeaderSize = 1 << 20

export const knownMethods: ReadonlySet<string> = new Set(methods)

/**
 * llhttp in its strict mode, by way of the parser that `node:http` uses. At once, where `node:http` takes several turns
 * of the loop, and with what `node:http` does not tell: whether the connection stays, and messages in front of a fault.
 */
export class Llhttp {
  readonly #parser = new HTTPParser()
  #messages: ReadMessage[] = []
  #start = ''
  #version = ''
  #reason = ''
  #url = ''
  #fields: string[] = []
  #trailers: string[] = []
  #body = ''
  #keepAlive = false
  #isInHead = true
  #isUpgrade = false
  #method = ''

  constructor() {
    const parser = this.#parser
    // Called for each 32 fields of a head, and for trailers.
    parser[HTTPParser.kOnHeaders] = (fields: string[], url: string) => {
      if (this.#isInHead) {
        this.#fields.push(...fields)
        this.#url += url
      } else this.#trailers.push(...fields)
    }
    parser[HTTPParser.kOnHeadersComplete] = (
      major: number,
      minor: number,
      fields: string[] | undefined,
      method: number | undefined,
      url: string | undefined,
      status: number | undefined,
      reason: string | undefined,
      isUpgrade: boolean,
      keepAlive: boolean,
    ) => {
      this.#isInHead = false
      if (fields !== undefined) this.#fields.push(...fields)
      if (url !== undefined) this.#url += url
      this.#start = method === undefined ? String(status) : `${methods[method]} ${this.#url}`
      this.#version = `${major}.${minor}`
      this.#reason = reason ?? ''
      this.#keepAlive = keepAlive
      this.#isUpgrade ||= isUpgrade
      // 1: there is no body, as `node:http` says for these (RFC 9112 section 6.3).
      const isBodyless = status !== undefined && (this.#method === 'HEAD' || status < 200 || status === 304)
      return isBodyless ? 1 : 0
    }
    parser[HTTPParser.kOnBody] = (octets: Buffer) => {
      this.#body += octets.toString('latin1')
    }
    parser[HTTPParser.kOnMessageComplete] = () => {
      this.#messages.push({
        start: this.#start,
        version: this.#version,
        reason: this.#reason,
        fields: this.#fields,
        body: this.#body,
        trailers: this.#trailers,
        keepAlive: this.#keepAlive,
      })
      this.#begin()
    }
  }

  #begin(): void {
    this.#isInHead = true
    this.#url = ''
    this.#body = ''
    this.#fields = []
    this.#trailers = []
  }

  requests(octets: Buffer): Reading {
    return this.#read(HTTPParser.REQUEST, octets, false)
  }

  /** @param method of the request that is answered */
  responses(octets: Buffer, method: string, isEnd: boolean): Reading {
    this.#method = method
    return this.#read(HTTPParser.RESPONSE, octets, isEnd)
  }

  #read(type: number, octets: Buffer, isEnd: boolean): Reading {
    const parser = this.#parser
    this.#messages = []
    this.#isUpgrade = false
    this.#begin()
    parser.initialize(type, {}, maxHeaderSize, strict)
    let result: unknown = parser.execute(octets)
    if (isEnd && !(result instanceof Error)) result = parser.finish()
    const fault = result instanceof Error ? (result as Error & { reason: string }).reason : ''
    return { messages: this.#messages, stop: this.#stop(fault), fault, text: '', end: 0 }
  }

  #stop(fault: string): Stop {
    if (this.#isUpgrade) return 'left'
    if (fault !== '') return 'refused'
    return this.#messages.at(-1)?.keepAlive === false ? 'closed' : 'waits'
  }
}
