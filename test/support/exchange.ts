import { sectionOf } from '../../src/http1/field-section.ts'
import { type ClientSide, Exchange } from '../../src/proxy/exchange.ts'

/** A client that hears nothing. */
export const clientSide = (more: Partial<ClientSide> = {}): ClientSide => ({
  remoteAddress: '192.0.2.7',
  remotePort: 40_000,
  secure: false,
  httpVersion: '1.1',
  inform() {},
  answer() {},
  switchTo() {},
  memo: null,
  write: () => true,
  end() {},
  abort() {},
  ...more,
})

/** `exchangeOf({ target: '/x' })`: a request as the handler gets it. */
export function exchangeOf(
  request: Partial<ConstructorParameters<typeof Exchange>[1]> = {},
  client: Partial<ClientSide> = {},
): Exchange {
  return new Exchange(clientSide(client), {
    method: 'GET',
    target: '/',
    path: request.target?.split('?')[0] ?? '/',
    host: 'shop.test',
    fields: sectionOf([]),
    body: null,
    startedAt: 0,
    ...request,
  })
}
