/** fabio's `clean` (reference 11.3): what becomes of a value in a metric's name. */
export const clean = (text: string): string => (text === '' ? '_' : text.replace(/[.:]/g, '_').toLowerCase())

/**
 * Makes the function that gives a metric its name for Prometheus: `<prefix>[_<subsystem>]_<name>` (fabio reference 11.3).
 * What must not stand in such a name becomes `_` as well, so that a host name with a dash does not spoil all of them.
 */
export function prometheusNames(prefix: string, subsystem: string): (name: string) => string {
  const parts = [prefix, subsystem].filter((part) => part !== '').map(allowed)
  const start = parts.length === 0 ? '' : `${parts.join('_')}_`
  return (name) => start + allowed(name)
}

/** Prometheus data model: `[a-zA-Z_:][a-zA-Z0-9_:]*`; colons are kept for rules. */
const allowed = (text: string): string =>
  clean(text)
    .replace(/[^a-z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_')
