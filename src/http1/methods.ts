const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** RFC 9110 section 9.2.2: to repeat a request with such a method does no harm. */
export const isIdempotent = (method: string): boolean => idempotent.has(method)
