/**
 * The rows are laid out as grids, and not every browser takes a table whose `display` was changed for a table. Saying
 * the roles aloud gives assistive technology the table in all of them.
 */
export const roles = {
  table: { role: 'table' },
  group: { role: 'rowgroup' },
  row: { role: 'row' },
  head: { role: 'columnheader' },
  rowHead: { role: 'rowheader' },
  cell: { role: 'cell' },
} as const
