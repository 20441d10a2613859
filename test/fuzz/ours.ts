import { BodyReader } from '../../src/http1/body-reader.ts'
import type { ReceivedFields } from '../../src/http1/field-section.ts'
import { RequestHead } from '../../src/http1/request-head.ts'
import { ResponseHead } from '../../src/http1/response-head.ts'
import { knownMethods } from '../support/llhttp.ts'
import type { Reading, ReadMessage, Stop } from '../support/read-message.ts'

const limits = { maxHeadSize: 65_536, maxFields: 1_000, maxTargetSize: 65_536 }

/** What a body reader gave. */
class Collected {
  text = ''

  data(chunk: Buffer): void {
    this.text += chunk.toString('latin1')
  }
}

const listed = (fields: ReceivedFields | null): readonly string[] =>
  fields === null ? [] : [...fields.list()]

/** The requests that we read from these octets, one after the other. */
export function readRequests(octets: Buffer): Reading {
  const messages: ReadMessage[] = []
  const head = new RequestHead()
  const reader = new BodyReader()
  let at = 0
  let end = 0
  const stopped = (stop: Stop, fault = ''): Reading => ({
    messages,
    stop,
    fault,
    text: octets.latin1Slice(),
    end,
  })
  while (at < octets.length) {
    const behind = head.parse(octets, at, octets.length, limits)
    if (behind < 0) return stopped('refused', head.fault)
    if (behind === 0) return stopped('waits')
    // Passed on here (RFC 9110 section 9.1) and refused there.
    if (!knownMethods.has(head.method)) return stopped('left')
    const body = new Collected()
    reader.start(head.bodyLength)
    at = reader.done ? behind : reader.read(octets, behind, octets.length, body)
    if (reader.fault !== '') return stopped('refused', reader.fault)
    if (!reader.done) return stopped('waits')
    messages.push({
      start: `${head.method} ${head.target}`,
      version: `1.${head.minor}`,
      reason: '',
      fields: listed(head),
      body: body.text,
      trailers: listed(reader.trailers),
      keepAlive: head.keepAlive,
    })
    end = at
    // llhttp leaves what follows a request for another protocol to whoever speaks that.
    if (head.all('upgrade').some((protocol) => protocol !== '')) return stopped('left')
    if (!head.keepAlive) return stopped('closed')
  }
  return stopped('waits')
}

/**
 * The answers that we read from these octets: interim ones and one final one, behind which nothing is looked at.
 *
 * @param isEnd the connection ends behind the octets
 */
export function readResponses(octets: Buffer, method: string, isEnd: boolean): Reading {
  const messages: ReadMessage[] = []
  const head = new ResponseHead()
  const reader = new BodyReader()
  let at = 0
  let end = 0
  const stopped = (stop: Stop, fault = ''): Reading => ({
    messages,
    stop,
    fault,
    text: octets.latin1Slice(),
    end,
  })
  while (at < octets.length) {
    const behind = head.parse(octets, at, octets.length, limits, method === 'HEAD')
    if (behind < 0) return stopped('refused', head.fault)
    if (behind === 0) return stopped('waits')
    const body = new Collected()
    reader.start(head.bodyLength)
    at = reader.done ? behind : reader.read(octets, behind, octets.length, body)
    if (reader.fault !== '') return stopped('refused', reader.fault)
    if (!reader.done && !(isEnd && reader.closed())) return stopped('waits')
    messages.push({
      start: String(head.status),
      version: `1.${head.minor}`,
      reason: head.reason,
      fields: listed(head),
      body: body.text,
      trailers: listed(reader.trailers),
      keepAlive: head.keepAlive,
    })
    end = at
    if (head.status === 101) return stopped('left')
    if (head.status >= 200) return stopped('closed')
  }
  return stopped('waits')
}
