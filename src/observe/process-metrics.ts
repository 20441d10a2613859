import { collectDefaultMetrics, Registry } from 'prom-client'

/** What prom-client knows of this process, under the names that every exporter has: `process_…`, `nodejs_…`. */
export class ProcessMetrics {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
