import { afterEach, describe, expect, test } from 'vitest'
import { forkWorker } from '../../src/cluster/fork.ts'

const { execPath } = process

afterEach(() => {
  process.execPath = execPath
})

describe('a process for a worker', () => {
  // Node was replaced by a newer one below a gateway that runs. A worker that died then could not be started anew, and
  // a child that never began has no exit: nobody heard of it, and its place was empty for good.
  test('that cannot be started has ended', async () => {
    process.execPath = '/nowhere/node'
    const worker = forkWorker('/nowhere/main.js', [])
    const how = await new Promise((resolve) => worker.onExit(resolve))
    expect(how).toBe('could not be started: spawn /nowhere/node ENOENT')
  })
})
