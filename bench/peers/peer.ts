import type { Processes, RunProgram, Started } from '../processes.ts'

/** What a proxy needs to be started for a run. */
export interface PeerContext {
  readonly processes: Processes
  /** The core that the proxy is held on; null: any. */
  readonly core: number | null
  /** The repository. */
  readonly root: string
  /** The compiled benchmark. */
  readonly compiled: string
  /** For the configuration and whatever else it writes; emptied after the run. */
  readonly folder: string
  /** The Node binary of gatehouse and the Node baselines. */
  readonly node: string
  /** Ports of the loopback address. */
  readonly upstreamPort: number
  readonly registryPort: number
  /** Client connections that it has to be able to hold. */
  readonly clients: number
}

/** A proxy that was started and accepts connections, or will soon. */
export interface RunningPeer {
  readonly started: Started
  readonly port: number
}

/** A proxy that can be measured: gatehouse, or one beside it. */
export interface Peer {
  readonly name: string
  /** A value of Host that it serves; null: any. */
  readonly host: string | null
  /** The program that has to be on PATH; null: it comes with this repository. */
  readonly program: string | null
  start(context: PeerContext): Promise<RunningPeer>
  /** In one line. */
  version(context: Pick<PeerContext, 'root'>, run: RunProgram): Promise<string>
}
