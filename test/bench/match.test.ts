import { describe, expect, test } from 'vitest'
import {
  buildTable,
  checkMatch,
  naiveFind,
  questionsOf,
  routesOf,
  seededRandom,
} from '../../bench/micro/match.ts'

const routes = routesOf(200, 10)
const questions = questionsOf(routes, 1_000, seededRandom(7))

describe('the benchmark of the table', () => {
  const rows: [host: string, path: string, expected: string | null][] = [
    ['shop-0.example.com', '/api/v1/x', 'shop-0.example.com/api/v1'],
    ['shop-0.example.com', '/apix', 'shop-0.example.com/api'],
    ['shop-0.example.com', '/other', 'shop-0.example.com/'],
    ['node-7.zone-3.example.com', '/x', '*.zone-3.example.com/'],
    ['elsewhere.example', '/team-0/service-4/api/x', '/team-0/service-4/api'],
    ['elsewhere.example', '/none', null],
  ]
  for (const [host, path, expected] of rows) {
    test(`compares all routes for ${host}${path} and gets ${expected}`, () => {
      expect(naiveFind(routes, { host, path })).toBe(expected)
    })
  }

  test('asks for routes of every kind and for none', () => {
    const found = questions.map((question) => naiveFind(routes, question))
    expect(found).toContain(null)
    expect(found.some((text) => text?.startsWith('/'))).toBe(true)
    expect(found.some((text) => text?.startsWith('shop-'))).toBe(true)
    expect(found.some((text) => text?.startsWith('*.'))).toBe(true)
  })

  test('asks the same in each run', () => {
    expect(questionsOf(routes, 1_000, seededRandom(7))).toEqual(questions)
  })

  test('finds the table right', () => {
    const table = buildTable(routes)
    checkMatch(({ host, path }) => table.find(host, path, false)?.text ?? null, routes, questions)
  })

  test('stops at a table that is wrong', () => {
    const wrong = (): string | null => null
    expect(() => checkMatch(wrong, routes, questions)).toThrow(
      /^match, 200 routes: .*: expected .*, got null$/,
    )
  })
})
