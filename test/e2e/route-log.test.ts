import { afterEach, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway | null = null
afterEach(async () => {
  await gateway?.stop()
  gateway = null
})

const routes = [
  'route add web a.net/ http://10.0.0.1:80/ weight 0.5',
  'route add web a.net/ http://10.0.0.2:80/',
]

/** Lines of the log that tell of routes, without their time. */
const told = (): string[] =>
  (gateway?.log ?? [])
    .filter((line) => line.includes('] routes: '))
    .map((line) => line.replace(/^.*?\] routes: /, '').trimEnd())

const start = async (...flags: string[]): Promise<void> => {
  const source = ['-registry.backend', 'static', '-registry.static.routes', routes.join('\n')]
  gateway = await startTestGateway('http://127.0.0.1:1', [...source, ...flags])
}

// fabio reference 10.2.
describe('log.routes.format', () => {
  test('delta, the default, is a line for each command', async () => {
    await start()
    const [first, second] = routes
    expect(told()).toEqual([`+ ${first} (added)`, `+ ${second} (added)`])
  })

  test.each(['-log.routes.format', '-proxy.log.routes'])(
    '%s all is the whole table as commands',
    async (flag) => {
      await start(flag, 'all')
      expect(told()).toEqual([
        'the table is now\n' +
          '  route add web a.net/ http://10.0.0.1:80/ weight 0.5000\n' +
          '  route add web a.net/ http://10.0.0.2:80/ (table)',
      ])
    },
  )

  test('detail is the table as a tree', async () => {
    await start('-log.routes.format', 'detail')
    expect(told()).toEqual([
      'the table is now\n' +
        '  +-- host=a.net\n' +
        '      +-- path=/\n' +
        '          |-- addr=10.0.0.1:80 weight 0.50 slots 1/2\n' +
        '          +-- addr=10.0.0.2:80 weight 0.50 slots 1/2 (table)',
    ])
  })
})
