import type { BasicOptions } from './basic.ts'
import type { ForwardOptions } from './forward.ts'
import type { JwtOptions } from './jwt.ts'

/** One scheme of `proxy.auth`, that routes name with `auth=`. Plain data: it crosses the border of a process. */
export type SchemeOptions = BasicOptions | ForwardOptions | JwtOptions
