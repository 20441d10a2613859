import type { Server } from 'node:net'

// What the programs that the benchmark starts have in common. Each is a process of its own.

/** Port of the loopback address that a program was told to forward to, its first argument. */
export function portArgument(): number {
  const text = process.argv[2] ?? ''
  if (!/^\d{1,5}$/.test(text)) throw new Error(`expected a port as the first argument, got "${text}"`)
  return Number(text)
}

/** Tells the parent where this program listens. */
export function announce(port: number): void {
  process.stdout.write(`listening on port ${port}\n`)
}

/** Listens on a free port of the loopback address and tells the parent which. */
export function listenAndAnnounce(server: Server): void {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1_024 }, () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') announce(address.port)
  })
}

/** Ends this program when its parent is gone, even one that was killed and could not say goodbye. */
export function endWithParent(): void {
  process.stdin.on('end', () => process.exit(0)).resume()
  // Ctrl-C reaches every process of the terminal; the parent decides in which order they end.
  process.on('SIGINT', () => {})
}
