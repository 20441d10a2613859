import { describe, expect, test } from 'vitest'
import { RetryBudget } from '../../src/proxy/retry-budget.ts'

const beginning = (budget: RetryBudget, requests: number): RetryBudget => {
  for (let i = 0; i < requests; i++) budget.began()
  return budget
}

const taken = (budget: RetryBudget, most = 100): number => {
  let count = 0
  while (count < most && budget.take()) count++
  return count
}

describe('the retry budget', () => {
  test('lets a fifth of the requests under way be repeats', () => {
    expect(taken(beginning(new RetryBudget({ share: 0.2, minimum: 3 }), 50))).toBe(10)
  })

  test('lets a few be repeats however few requests there are', () => {
    expect(taken(beginning(new RetryBudget({ share: 0.2, minimum: 3 }), 1))).toBe(3)
  })

  test('has a permit again once a repeated request has ended, and no sooner', () => {
    const budget = beginning(new RetryBudget({ share: 0, minimum: 1 }), 3)
    expect([budget.take(), budget.take()]).toEqual([true, false])
    budget.ended(false)
    expect(budget.take()).toBe(false)
    budget.ended(true)
    expect(budget.take()).toBe(true)
  })

  test('of nothing at all lets nothing be repeated', () => {
    expect(taken(beginning(new RetryBudget({ share: 0, minimum: 0 }), 100))).toBe(0)
  })
})
