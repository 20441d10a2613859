import { collectDefaultMetrics, Registry } from 'prom-client'

/** What prom-client knows of this process, under the names that every exporter has: `process_…`, `nodejs_…`. */
export class ProcessMetrics {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  async text(): Promise<string> {
    // What prom-client writes for no number at all is none that the text format knows.
    return (await this.#registry.metrics()).replace(/ Nan$/gm, ' NaN')
  }
}
