/** fabio calls the document at the place of them all so. */
export const nameOf = (key: string): string => (key === '' ? 'default' : key.slice(1))

/** What is wrong with the name of a new document; empty: nothing. */
export function keyMistake(name: string): string {
  const segments = name.split('/')
  if (name === '') return 'a name is missing'
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return 'expected a name, or names with one / between them'
  }
  return ''
}
