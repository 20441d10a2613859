import { waitFor } from '../support/wait.ts'

/** An agent, real or embedded, that speaks Consul's HTTP API. */
export interface RegistryUnderTest {
  /** `http://127.0.0.1:8500` */
  readonly url: string
  /** Name of its own node. */
  readonly node: string
  stop(): Promise<void>
}

export interface ApiAnswer {
  readonly status: number
  /** `X-Consul-Index`; 0 if there was none. */
  readonly index: number
  readonly headers: Headers
  readonly text: string
  /** Milliseconds from the request to the end of the answer. */
  readonly ms: number
  /** Fails for a body that is not JSON. */
  json<T>(): T
}

export interface CheckJson {
  readonly Node: string
  readonly CheckID: string
  readonly Name: string
  readonly Status: string
  readonly Notes: string
  readonly Output: string
  readonly ServiceID: string
  readonly ServiceName: string
}

export interface EntryJson {
  readonly Node: { readonly Node: string; readonly Address: string }
  readonly Service: { readonly ID: string; readonly Port: number; readonly Tags: readonly string[] }
  readonly Checks: readonly CheckJson[]
}

/** What a blocked query came back with, beside what it was before. */
export interface WatchOutcome {
  readonly before: ApiAnswer
  readonly after: ApiAnswer
}

export class ConsulApi {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async send(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const started = performance.now()
    const sent = typeof body === 'string' || body === undefined ? (body ?? null) : JSON.stringify(body)
    const answer = await fetch(`${this.url}${path}`, { method, body: sent, redirect: 'manual' })
    const text = await answer.text()
    return {
      status: answer.status,
      index: Number(answer.headers.get('x-consul-index') ?? 0),
      headers: answer.headers,
      text,
      ms: performance.now() - started,
      json: <T>() => JSON.parse(text) as T,
    }
  }

  get(path: string): Promise<ApiAnswer> {
    return this.send('GET', path)
  }

  /** Fails unless it is taken. */
  async put(path: string, body?: unknown): Promise<ApiAnswer> {
    const answer = await this.send('PUT', path, body)
    if (answer.status !== 200)
      throw new Error(`PUT ${path}: expected 200, got ${answer.status} ${answer.text}`)
    return answer
  }

  /** Registers a service with the agent and waits until the catalog has it: an agent tells it a moment later. */
  async register(
    service: { readonly Name: string; readonly ID?: string } & Record<string, unknown>,
  ): Promise<void> {
    await this.put('/v1/agent/service/register', service)
    const id = service.ID ?? service.Name
    await waitFor(async () => (await this.entries(service.Name)).some(({ Service }) => Service.ID === id), {
      what: `${id} to be in the catalog`,
    })
  }

  async entries(name: string, query = ''): Promise<EntryJson[]> {
    return (await this.get(`/v1/health/service/${encodeURIComponent(name)}${query}`)).json<EntryJson[]>()
  }

  /** The check as the catalog has it. Fails if the service or the check is not there. */
  async check(name: string, id: string): Promise<CheckJson> {
    const checks = (await this.entries(name)).flatMap((entry) => entry.Checks)
    const found = checks.find(({ CheckID }) => CheckID === id)
    if (found === undefined) throw new Error(`expected a check ${id}, got ${JSON.stringify(checks)}`)
    return found
  }

  untilStatus(name: string, id: string, status: string): Promise<CheckJson> {
    return waitFor(
      async () => {
        const check = await this.check(name, id)
        return check.Status === status ? check : null
      },
      { what: `check ${id} to be ${status}` },
    ) as Promise<CheckJson>
  }

  /** A read that blocks on the index of the one before, while `act` changes something. */
  async watch(
    path: string,
    act: () => Promise<unknown>,
    { wait = '10s', ahead = 0 }: { wait?: string; ahead?: number } = {},
  ): Promise<WatchOutcome> {
    const before = await this.get(path)
    const query = `index=${before.index + ahead}&wait=${wait}`
    const blocked = this.get(`${path}${path.includes('?') ? '&' : '?'}${query}`)
    // A round trip later the query most likely is blocked; what the outcome must be does not depend on it.
    await this.get('/v1/status/leader')
    await act()
    return { before, after: await blocked }
  }
}

/** The registry that is under test, once it has started. */
export interface Subject {
  readonly api: ConsulApi
  readonly node: string
}

export const passingTtl = (id: string): Record<string, string> => ({
  CheckID: id,
  TTL: '10m',
  Status: 'passing',
})

/** The body, to be compared: Consul gives the tags of a service in an order that varies. */
export function stable({ text }: ApiAnswer): unknown {
  const sortTexts = (_key: string, value: unknown): unknown =>
    Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.toSorted() : value
  return text === '' ? '' : JSON.parse(text, sortTexts)
}
