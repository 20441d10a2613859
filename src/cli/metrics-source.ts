import { breathe, type Clock } from '../base/world.ts'
import type { Config } from '../config/load.ts'
import type { Control } from '../control.ts'
import { ProcessMetrics } from '../observe/process-metrics.ts'
import { type Figure, PrometheusText, prometheusType } from '../observe/prometheus.ts'
import { upstreamFigures, workerFigures } from '../observe/worker-figures.ts'
import type { Registry } from '../registry/registry.ts'
import type { Traffic } from '../traffic.ts'

/** The text for Prometheus in pieces, and what it is. */
export interface MetricsAnswer {
  readonly contentType: string
  readonly body: AsyncIterable<Buffer>
}

/** What Prometheus reads, put together when it asks. */
export function metricsSource(
  config: Config,
  traffic: Traffic,
  figures: () => readonly Figure[],
): () => Promise<MetricsAnswer> {
  const ofProcess = new ProcessMetrics()
  const text = new PrometheusText({
    prefix: config['metrics.prefix'],
    subsystem: config['metrics.prometheus.subsystem'],
    buckets: config['metrics.prometheus.buckets'],
  })
  return async () => {
    const snapshot = await traffic.metrics()
    const all = [...upstreamFigures(snapshot), ...workerFigures(snapshot), ...figures()]
    return { contentType: prometheusType, body: text.write(snapshot, all, await ofProcess.text(), breathe) }
  }
}

/** What the control plane knows in numbers. */
export function controlFigures(control: Control, registry: Registry, clock: Clock): Figure[] {
  const { lastContactAt, connected } = registry.status()
  const gauge = (name: string, help: string, value: number): Figure => ({
    name,
    help,
    kind: 'gauge',
    value,
  })
  return [
    gauge('table_version', 'version of the live route table', control.table().version),
    gauge('registry_connected', '1 while the registry answers, else 0', connected ? 1 : 0),
    gauge(
      'registry_contact_age_seconds',
      'seconds since the registry was last heard; -1 before the first time',
      lastContactAt === null ? -1 : Math.max(0, clock.now() - lastContactAt) / 1000,
    ),
    ...(registry.figures?.() ?? []).map(
      ({ name, help, kind, value }): Figure => ({ name: `registry_${name}`, help, kind, value }),
    ),
  ]
}
