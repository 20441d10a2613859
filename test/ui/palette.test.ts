import { describe, expect, test } from 'vitest'
import { accentOf, contrast } from '../../ui/src/palette.ts'

const names =
  'red pink purple deep-purple indigo blue light-blue cyan teal green light-green lime yellow amber orange deep-orange brown grey blue-grey black white'.split(
    ' ',
  )

test.each(names)('text on the accent %s can be read', (name) => {
  const { color, ink } = accentOf(name)
  expect(contrast(color, ink)).toBeGreaterThanOrEqual(4.5)
})

test('no two names have the same accent', () => {
  expect(new Set(names.map((name) => accentOf(name).color)).size).toBe(names.length)
})

describe('ui.color', () => {
  test.each([
    ['light-green', '#8bc34a'],
    ['teal darken-2', '#009688'],
    ['darken-1 red', '#f44336'],
    ['', '#8bc34a'],
    ['no-such-colour', '#8bc34a'],
    ['constructor', '#8bc34a'],
  ])('%j gives %s', (name, color) => {
    expect(accentOf(name).color).toBe(color)
  })
})

test.each([
  ['#000000', '#ffffff', 21],
  ['#ffffff', '#000000', 21],
  ['#777777', '#777777', 1],
  ['#767676', '#ffffff', 4.54],
])('the contrast of %s and %s is %d', (a, b, ratio) => {
  expect(contrast(a, b)).toBeCloseTo(ratio, 2)
})
