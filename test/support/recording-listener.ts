import type {
  CommandDocument,
  RegistryListener,
  RegistryStatus,
  ServiceInstances,
} from '../../src/registry/registry.ts'

/** A listener that keeps what it is told. */
export class RecordingListener implements RegistryListener {
  readonly services: (readonly ServiceInstances[])[] = []
  readonly documents: (readonly CommandDocument[])[] = []
  readonly pages: string[] = []
  readonly statuses: RegistryStatus[] = []
  readonly #status: () => RegistryStatus

  /** @param status of the registry, read whenever it says that it changed */
  constructor(status: () => RegistryStatus) {
    this.#status = status
  }

  changed(services: readonly ServiceInstances[]): void {
    this.services.push(services)
  }

  commandsChanged(documents: readonly CommandDocument[]): void {
    this.documents.push(documents)
  }

  noRoutePageChanged(html: string): void {
    this.pages.push(html)
  }

  statusChanged(): void {
    this.statuses.push(this.#status())
  }

  /** The texts of the commands, in the order in which they were told. */
  get texts(): string[] {
    return this.documents.map((documents) => documents.map(({ text }) => text).join('\n'))
  }
}
