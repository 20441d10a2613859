import { describe, expect, test } from 'vitest'
import { RetryBudget } from '../../src/proxy/retry-budget.ts'

const beginning = (budget: RetryBudget, requests: number, now = 0): RetryBudget => {
  for (let i = 0; i < requests; i++) budget.began(now)
  return budget
}

const taken = (budget: RetryBudget, now = 0, most = 1000): number => {
  let count = 0
  while (count < most && budget.take(now)) count++
  return count
}

describe('the retry budget', () => {
  test('lets a fifth of the requests of the last ten seconds be sent again', () => {
    const budget = new RetryBudget({ share: 0.2, minimum: 0 })
    for (let second = 0; second < 10; second++) beginning(budget, 50, second * 1000)
    expect(taken(budget, 9_999)).toBe(100)
  })

  test('lets some be sent again however few requests there are', () => {
    expect(taken(new RetryBudget({ share: 0.2, minimum: 3 }))).toBe(30)
  })

  test('is spent until the repeats are long enough ago', () => {
    const budget = new RetryBudget({ share: 0, minimum: 1 })
    expect(taken(budget, 0)).toBe(10)
    expect(taken(budget, 9_999)).toBe(0)
    expect(taken(budget, 10_000)).toBe(10)
  })

  test('forgets requests that are long ago, also after a long silence', () => {
    const budget = beginning(new RetryBudget({ share: 0.2, minimum: 0 }), 1000)
    expect(taken(budget, 3_600_000)).toBe(0)
  })

  test('of nothing at all lets nothing be sent again', () => {
    expect(taken(beginning(new RetryBudget({ share: 0, minimum: 0 }), 100))).toBe(0)
  })
})
