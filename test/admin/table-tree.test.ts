import { describe, expect, test } from 'vitest'
import { tableTree } from '../../src/admin/table-tree.ts'
import type { RouteView, TargetView } from '../../src/admin/view.ts'

const target = (url: string, share: number, more: Partial<TargetView> = {}): TargetView => ({
  service: 'web',
  instance: 'n/web',
  address: '',
  url,
  share,
  weight: 0,
  tags: [],
  options: '',
  routed: true,
  health: 'passing',
  reason: '',
  origin: '',
  ...more,
})

const route = (host: string, path: string, ...targets: TargetView[]): RouteView => ({ host, path, targets })

describe('the table as a tree', () => {
  test('is the one of fabio reference 3.8', () => {
    const routes = [
      route('example.net', '/', target('http://10.0.0.3:80/', 1)),
      route('', '/shop', target('http://10.0.0.1:80/', 1)),
      route('', '/', target('http://10.0.0.2:80/', 1)),
    ]
    expect(tableTree(routes)).toBe(`+-- host=
|   |-- path=/shop
|   |    +-- addr=10.0.0.1:80 weight 1.00 slots 1/1
|   +-- path=/
|       +-- addr=10.0.0.2:80 weight 1.00 slots 1/1
+-- host=example.net
    +-- path=/
        +-- addr=10.0.0.3:80 weight 1.00 slots 1/1`)
  })

  test('has the share of each target and its slots of the ring', () => {
    const targets = [target('http://a:1/', 0.25), target('https://b', 0.5), target('http://[::1]:2/x', 0.25)]
    expect(tableTree([route('', '/', ...targets)])).toBe(`+-- host=
    +-- path=/
        |-- addr=a:1 weight 0.25 slots 1/4
        |-- addr=b weight 0.50 slots 2/4
        +-- addr=[::1]:2 weight 0.25 slots 1/4`)
  })

  test('leaves out what gets no requests', () => {
    const down = target('http://10.0.0.1:80/', 0, { routed: false })
    expect(tableTree([route('a', '/', down)])).toBe('')
    expect(tableTree([])).toBe('')
    expect(tableTree([route('a', '/', down, target('http://b:1/', 1))])).toContain('addr=b:1')
  })
})
