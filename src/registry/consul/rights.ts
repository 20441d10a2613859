/**
 * What to do about a question that Consul refuses with 403. Its own words are `Permission denied`, and where somebody
 * looks for the reason they do not know which right of the token that was.
 *
 * @param words those of Consul
 * @param token what was sent; empty: none
 */
export function adviceOn(method: 'GET' | 'PUT', path: string, words: string, token: string): string {
  if (words.includes('ACL not found')) return '; it does not know the token of registry.consul.token'
  const right = rightFor(method, path)
  const what = right === '' ? 'another right' : right
  return token === '' ? `; it needs a token with ${what}, and none was sent` : `; the token needs ${what}`
}

function rightFor(method: 'GET' | 'PUT', path: string): string {
  if (path.startsWith('/v1/agent/')) return 'agent:read'
  // A tree without the right is empty, unless the agents have acl.enable_key_list_policy: then it is refused.
  if (path.startsWith('/v1/kv/')) {
    return method === 'PUT' ? 'key:write' : /\?(?:recurse|keys)/.test(path) ? 'key:list' : 'key:read'
  }
  if (/^\/v1\/(?:catalog|health)\//.test(path)) return 'service:read and node:read'
  return ''
}
