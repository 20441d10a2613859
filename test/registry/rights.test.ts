import { expect, test } from 'vitest'
import { adviceOn } from '../../src/registry/consul/rights.ts'

test.each([
  ['GET', '/v1/agent/self', 'Permission denied', 't', '; the token needs agent:read'],
  ['GET', '/v1/agent/self', 'Permission denied', '', '; it needs a token with agent:read, and none was sent'],
  ['GET', '/v1/kv/fabio/config?recurse', 'Permission denied', 't', '; the token needs key:list'],
  ['GET', '/v1/kv/fabio/config', 'Permission denied', 't', '; the token needs key:read'],
  ['PUT', '/v1/kv/fabio/config?cas=0', 'Permission denied', 't', '; the token needs key:write'],
  ['GET', '/v1/health/service/web', 'Permission denied', 't', '; the token needs service:read and node:read'],
  ['GET', '/v1/status/leader', 'Permission denied', 't', '; the token needs another right'],
  ['GET', '/v1/kv/x', 'ACL not found', 't', '; it does not know the token of registry.consul.token'],
] as const)('%s %s that is refused with %j, token %j: %s', (method, path, words, token, advice) => {
  expect(adviceOn(method, path, words, token)).toBe(advice)
})
