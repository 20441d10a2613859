import type { ChangeView, InstanceChangeView } from '../../../src/admin/view.ts'

/** What the filter looks in, lower-case. */
export function textOf(change: ChangeView): string {
  const { version, instances, overrides, added, removed } = change
  return [
    `table ${version}`,
    ...instances.flatMap((each) => [
      each.service,
      each.instance,
      each.before ?? '',
      each.after ?? '',
      each.reason,
      ...each.tagsAdded,
      ...each.tagsRemoved,
    ]),
    ...overrides.flatMap(({ name, change: what }) => [name, `override ${what}`]),
    ...added,
    ...removed,
  ]
    .join('\n')
    .toLowerCase()
}

/** Those that say all of the words. */
export function changesWith(changes: readonly ChangeView[], filter: string): readonly ChangeView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return changes
  return changes.filter((change) => {
    const text = textOf(change)
    return words.every((word) => text.includes(word))
  })
}

/** Why the table changed, in a few words. */
export function causeOf({ instances, overrides, total }: ChangeView): string {
  const parts: string[] = []
  if (total.instances === 1) parts.push(happenedTo(instances[0]!))
  else if (total.instances > 1) parts.push(`${total.instances} instances of ${servicesOf(instances)}`)
  if (overrides.length === 1) parts.push(`override ${overrides[0]!.change}`)
  else if (overrides.length > 1) parts.push(`${overrides.length} overrides`)
  return parts.join(', ') || 'what is written in the table'
}

function happenedTo({ service, before, after, tagsAdded, tagsRemoved }: InstanceChangeView): string {
  if (before === null) return `${service}: an instance came`
  if (after === null) return `${service}: an instance is gone`
  if (before !== after) return `${service}: an instance is ${after}`
  return tagsAdded.length + tagsRemoved.length > 0
    ? `${service}: an instance has other tags`
    : `${service}: an instance is served otherwise`
}

function servicesOf(instances: readonly InstanceChangeView[]): string {
  const names = [...new Set(instances.map(({ service }) => service))]
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and others` : names.join(', ')
}
