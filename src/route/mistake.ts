/** What somebody wrote makes no route. The words say what was expected and what was found. */
export class RouteMistake extends Error {
  override readonly name = 'RouteMistake'
}

const longest = 100

/** Text in quotes; the rest of a long one is left out. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= longest ? text : `${text.slice(0, longest)}…`)
}
