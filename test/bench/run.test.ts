import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(command: string, ...args: string[]): Promise<Ended> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit') as Promise<[code: number]>
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, stdout, stderr }
}

const bench = (...args: string[]): Promise<Ended> =>
  run(process.execPath, '.cache/build/bench/run.js', ...args)

beforeAll(async () => {
  const { code, stdout } = await run('node_modules/.bin/tsc', '-p', 'tsconfig.bench.json')
  if (code !== 0) throw new Error(`expected the benchmark to compile, got:\n${stdout}`)
})

describe('npm run bench', () => {
  test('finds gatehouse and the Node baselines right in every case', async () => {
    const { code, stdout, stderr } = await bench('--check', '--peers', 'fastify,undici')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      `right: ${[
        'gatehouse',
        'fastify',
        'undici',
        'gatehouse, 10 routes',
        'gatehouse, 1000 routes',
        'gatehouse, 10000 routes',
        'gatehouse, workers 1',
        'gatehouse, workers 2',
      ].join(', ')}; cases small, 64k, 1m, post16k, post1m, connect, routes, workers\n`,
    )
  })

  test('finds each thing at work that --cost is about to time', async () => {
    const { code, stdout, stderr } = await bench('--cost', '--check')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      `right, and at work: ${[
        'default',
        'access log, common',
        'access log, json',
        'tracing, ratio 0',
        'tracing, ratio 0.01',
        'tracing, ratio 1',
        'StatsD, each second',
        '2000 services',
        '2000 services, scraped each second',
      ].join('; ')}\n`,
    )
  }, 120_000)

  test('says so when a proxy does not start', async () => {
    const { code, stdout, stderr } = await bench('--check', '--peers', 'none', '--node', '/nowhere/node')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^bench: gatehouse: expected it to reach the upstream, but .*\n$/)
  })

  test('says all mistakes of its command line', async () => {
    const { code, stdout, stderr } = await bench('--cases', 'tiny', '--rounds', '0')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.split('\n')).toHaveLength(3)
  })
})
