import { afterEach, describe, expect, test } from 'vitest'
import { type ConsulAgent, findConsul, startConsul } from './consul.ts'

describe('the binary of Consul', () => {
  test('is the one that CONSUL_BIN names', () => {
    expect(findConsul({ CONSUL_BIN: process.execPath, PATH: '' })).toBe(process.execPath)
  })

  test('that CONSUL_BIN names must be there', () => {
    expect(() => findConsul({ CONSUL_BIN: '/nowhere/consul', PATH: '/usr/bin' })).toThrow(
      'CONSUL_BIN: expected an executable file, got "/nowhere/consul"',
    )
  })

  test('that is nowhere is an error that says what to install', () => {
    expect(() => findConsul({ PATH: '/nowhere' }, '')).toThrow('install the Debian package "consul"')
  })
})

describe('a real agent for tests', () => {
  const started: ConsulAgent[] = []
  afterEach(async () => {
    for (const agent of started.splice(0)) await agent.stop()
  })

  const isRunning = (pid: number): boolean => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  test('takes writes, forgets them when it restarts, and leaves no process', async () => {
    const agent = await startConsul()
    started.push(agent)
    const services = async (): Promise<string[]> =>
      Object.keys((await (await fetch(`${agent.url}/v1/agent/services`)).json()) as object)
    await fetch(`${agent.url}/v1/agent/service/register`, { method: 'PUT', body: '{"Name":"web"}' })
    expect(await services()).toEqual(['web'])
    const first = agent.pid
    await agent.restart()
    expect([isRunning(first), await services()]).toEqual([false, []])
    const second = agent.pid
    await agent.stop()
    await agent.stop()
    expect(isRunning(second)).toBe(false)
    await expect(fetch(`${agent.url}/v1/status/leader`)).rejects.toThrow()
  })

  test('two run at the same time', async () => {
    started.push(...(await Promise.all([startConsul(), startConsul()])))
    expect(new Set(started.map(({ port }) => port)).size).toBe(2)
  })
})
