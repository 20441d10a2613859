import type { ScannedCheck } from './check-scan.ts'
import type { Answer } from './client.ts'

/** A check of `GET /v1/health/state/:state`. */
export interface UnwellCheck extends ScannedCheck {
  readonly ModifyIndex: number
}

/** All checks of the datacenter that are in one state. */
export interface UnwellList {
  readonly index: bigint
  /** By `checkKey`. */
  readonly checks: ReadonlyMap<string, UnwellCheck>
}

/** @param service ID of its instance; empty or absent: a check of the node */
export const checkKey = (node: string, id: string | undefined, service: string | undefined): string =>
  `${node}\n${id}\n${service ?? ''}`

/** Throws where the answer is no list. A check in it that is none costs only itself: a look at all checks finds it. */
export function unwellList({ index, body }: Answer): UnwellList {
  if (!Array.isArray(body)) {
    throw new Error(`expected a list of checks, got ${body === null ? 'null' : typeof body}`)
  }
  const checks = new Map<string, UnwellCheck>()
  for (const check of body as readonly (Partial<UnwellCheck> | null)[]) {
    if (isUnwellCheck(check)) checks.set(checkKey(check.Node, check.CheckID, check.ServiceID), check)
  }
  return { index, checks }
}

function isUnwellCheck(check: Partial<UnwellCheck> | null): check is UnwellCheck {
  const { Node, CheckID, ServiceID, ServiceName, ModifyIndex } = check ?? {}
  return [Node, CheckID, ServiceID, ServiceName].every(isText) && Number.isSafeInteger(ModifyIndex)
}

const isText = (value: unknown): value is string => typeof value === 'string'
