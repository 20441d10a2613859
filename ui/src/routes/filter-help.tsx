const examples: readonly (readonly [filter: string, says: string])[] = [
  ['shop critical', 'rows that say both, anywhere'],
  ['"two words" -canary', 'these together, and without that'],
  ['host:shop path:/cart', 'also service: instance: address: tag: option: health: reason: from:'],
  ['from:override', 'or from:tag; where the route comes from'],
  ['is:unrouted', 'or is:routed, is:ejected, is:failing, is:starting, is:draining'],
  ['rate>10 errors>=1', 'a second, percent; also share p50 p99 (ms) inflight'],
]

/** What the filter understands. */
export function FilterHelp() {
  return (
    <>
      <button type="button" class="help" popovertarget="filter-help" aria-label="What the filter understands">
        ?
      </button>
      <div id="filter-help" popover="auto" class="filter-help">
        <dl>
          {examples.map(([filter, says]) => (
            <div key={filter}>
              <dt>
                <code>{filter}</code>
              </dt>
              <dd>{says}</dd>
            </div>
          ))}
        </dl>
      </div>
    </>
  )
}
