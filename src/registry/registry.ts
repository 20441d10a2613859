/** Where services and their health come from. It says what is, with its evidence; it knows nothing of routes. */
export interface Registry {
  /** `consul` */
  readonly kind: string
  /** `http://localhost:8500` */
  readonly address: string
  /** Of the agent; what `$DC` in a tag stands for. Empty before `start` resolved. */
  readonly datacenter: string
  /**
   * Begins to watch. Resolves once everything was read once and told to the listener.
   *
   * Rejects with a StartError if the registry cannot be reached within the time that it was given.
   */
  start(listener: RegistryListener): Promise<void>
  status(): RegistryStatus
  /** Where people keep manual overrides; null or absent: this registry keeps none. */
  readonly overrides?: OverrideStore | null
  /** What it has counted; absent: it counts nothing. */
  figures?(): readonly RegistryFigure[]
  /** Ends every watch. Safe to call twice. */
  close(): Promise<void>
}

export interface RegistryFigure {
  /** `watch_answers` */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly value: number
}

export interface RegistryListener {
  /** Services that differ from what was told before. Each replaces what was known of that service. */
  changed(services: readonly ServiceInstances[]): void
  /**
   * The route commands that people wrote: manual overrides, or all there is where a registry knows no instances.
   * Replaces what was told before.
   */
  commandsChanged(documents: readonly CommandDocument[]): void
  /** The page for requests without a route; empty: none. */
  noRoutePageChanged(html: string): void
  /** Contact was lost or came back. */
  statusChanged(): void
}

/** Route commands of one origin, applied in the order of the documents and of their lines (fabio reference 2). */
export interface CommandDocument {
  /** Where it stands, for people: `fabio/config/team-a`, `/etc/gatehouse/routes`. */
  readonly name: string
  readonly text: string
}

/**
 * The documents of manual overrides, to be read and changed by people. A key is what follows the place of them all:
 * empty for the document there, `/team-a` for one below. Every method rejects where the registry does not answer.
 */
export interface OverrideStore {
  /** The name under which the listener is told of the document. */
  nameOf(key: string): string
  /** Keys that are there, in the order in which their documents are applied. */
  keys(): Promise<readonly string[]>
  /** Of a key that is not there, empty and version 0. */
  read(key: string): Promise<StoredOverride>
  /**
   * Puts the text in place of what has this version. Resolves with false, and has changed nothing, where another
   * version is there.
   *
   * @param version 0: nothing is there yet
   */
  write(key: string, value: string, version: bigint): Promise<boolean>
}

export interface StoredOverride {
  /** Trimmed. */
  readonly value: string
  readonly version: bigint
}

/** All instances of a service, healthy or not. None: it is gone. */
export interface ServiceInstances {
  readonly service: string
  readonly instances: readonly Instance[]
}

export interface Instance {
  readonly service: string
  /** Unique on its node. */
  readonly id: string
  readonly node: string
  /** ServiceAddress, else the node's address (fabio reference 1.3). */
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly state: InstanceState
}

export interface InstanceState {
  /** Whether it may get requests. */
  readonly routed: boolean
  readonly health: 'passing' | 'warning' | 'critical' | 'maintenance'
  /** Why it is not passing: the check and what it printed. Empty when passing. */
  readonly reason: string
}

export interface RegistryStatus {
  readonly connected: boolean
  /** Milliseconds since the epoch; null before the first answer. */
  readonly lastContactAt: number | null
  /**
   * Since when some of what is known may be no longer so although the registry answers, ms since the epoch: its servers
   * have lost their leader, or it refuses a question. Null: it is not so.
   */
  readonly oldSince?: number | null
  /** What is wrong: why there is no contact, or why something may be old. Empty: nothing is. */
  readonly error: string
}
