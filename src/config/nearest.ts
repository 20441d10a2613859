/** Edits (insert, delete, replace, swap of two neighbours) that turn one text into the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(last[j - 1]! + (same ? 0 : 1), last[j]! + 1, row[j - 1]! + 1)
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? best) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** The known name that was probably meant: at most a quarter of its letters differ, case aside. Null: none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestEdits = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const most = Math.max(1, Math.floor(candidate.length / 4))
    if (Math.abs(candidate.length - name.length) > most) continue
    const edits = distance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= most && edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

/** `; did you mean proxy.addr?`, or nothing. */
export function suggestion(name: string, known: readonly string[], write = (key: string) => key): string {
  const meant = nearest(name, known)
  return meant === null ? '' : `; did you mean ${write(meant)}?`
}
