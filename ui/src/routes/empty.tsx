import type { RegistryView } from '../../../src/admin/view.ts'
import { setQuery } from '../navigation.ts'
import { registryName } from '../registry-line.tsx'
import { readFilter } from './filter.ts'

/** The gateway works and nobody has asked for a route. */
export function NoRoutes({ registry }: { registry: RegistryView }) {
  if (!registry.connected) {
    return (
      <div class="empty">
        <strong>No routes</strong>
        <p>{registryName(registry)} does not answer. Routes appear as soon as it does.</p>
      </div>
    )
  }
  return (
    <div class="empty">
      <strong>No routes yet</strong>
      <p>
        A service gets one with a tag: <code>urlprefix-</code> and the host and path to serve, such as{' '}
        <code>urlprefix-/hello</code> or <code>urlprefix-example.com/</code>. This registers a service that
        listens on port 8080; the route appears here once its check passes.
      </p>
      <pre>
        <code>{registerCommand(registry.address)}</code>
      </pre>
    </div>
  )
}

function registerCommand(address: string): string {
  return `curl -X PUT ${address}/v1/agent/service/register -d '{
  "Name": "hello", "Address": "127.0.0.1", "Port": 8080,
  "Tags": ["urlprefix-/hello"],
  "Check": { "HTTP": "http://127.0.0.1:8080/", "Interval": "10s" }
}'`
}

/** There are rows, and the filter lets none through. */
export function NoMatch({ filter }: { filter: string }) {
  const { words } = readFilter(filter)
  return (
    <div class="empty">
      <strong>No row matches</strong>
      <p>
        {words.length === 1 ? 'No row fits ' : 'No row fits all of '}
        <code>{words.join(' ')}</code>.
      </p>
      <button
        type="button"
        onClick={() => {
          setQuery({ filter: '' })
          document.getElementById('filter')?.focus()
        }}
      >
        Clear the filter
      </button>
    </div>
  )
}
