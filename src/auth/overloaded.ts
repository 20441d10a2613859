/** So much is being checked that one more would have to wait too long. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded'
}
