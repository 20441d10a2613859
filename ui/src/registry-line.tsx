import type { RegistryView } from '../../src/admin/view.ts'
import { Shape } from './shape.tsx'
import { Time } from './time.tsx'

/** Whether the gateway hears from its registry; when it does not, since when and why. */
export function RegistryLine({ registry }: { registry: RegistryView }) {
  const { address, connected, lastContactAt, oldSince, error } = registry
  const name = registryName(registry)
  if (connected && oldSince !== null) {
    return (
      <p class="registry caution">
        <Shape name="caution" /> {name}: <span class="mono">{address}</span> answers, and since{' '}
        <Time at={Date.parse(oldSince)} /> some of what it says may be old
        {error !== '' && ` (${error})`}
      </p>
    )
  }
  if (connected) {
    return (
      <p class="registry good">
        <Shape name="good" /> {name}: connected to <span class="mono">{address}</span>
      </p>
    )
  }
  return (
    <p class="registry bad">
      <Shape name="bad" /> {name}: no answer from <span class="mono">{address}</span>
      {lastContactAt === null ? (
        ' yet'
      ) : (
        <>
          {' '}
          since <Time at={Date.parse(lastContactAt)} />; the table is what it said last
        </>
      )}
      {error !== '' && ` (${error})`}
    </p>
  )
}

/** `consul` as it is written in a sentence. */
export function registryName({ kind }: RegistryView): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1)
}
