/** Rows as lines whose columns stand below each other, two blanks apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => `${line}\n`).join('')
}

/** `0.25` is `25 %`. */
export const percent = (share: number): string => `${Math.round(share * 10_000) / 100} %`

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
