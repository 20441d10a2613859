import { describe, expect, test } from 'vitest'
import { figuresOf, rowsOf } from '../../ui/src/routes/rows.ts'
import {
  type OrderName,
  orders,
  printSorting,
  readSorting,
  sorted,
  sortedBy,
} from '../../ui/src/routes/sorting.ts'
import { sample, sampleFigures } from './tables.ts'

const rows = rowsOf(sample)
const order = (text: string) => sorted(rows, readSorting(text), (row) => figuresOf(row, sampleFigures))
const names = (text: string): string[] =>
  order(text).map(({ target }) => target.instance.split(/[/:]/).at(-1)!)

describe('rows are sorted by', () => {
  test.each([
    ['route', 'orders-1', 'orders-2'],
    ['-route', 'hello-1', 'hello-1'],
    ['service', '9090', '9090'],
    ['-service', 'postgres', 'portal-1'],
    ['rate', 'orders-1', 'orders-2'],
    ['errors', 'orders-2', 'orders-1'],
    ['p99', 'orders-2', 'orders-1'],
    ['-p99', 'orders-1', 'orders-2'],
    ['health', 'orders-3', '9090'],
    ['no such', 'orders-1', 'orders-2'],
  ])('%s', (text, first, second) => {
    expect(names(text).slice(0, 2)).toEqual([first, second])
  })

  test('share, the largest first, those alike as they were', () => {
    expect(order('share').map(({ target }) => target.share.toFixed(2))).toEqual([
      ...['1.00', '1.00', '1.00', '1.00', '0.67', '0.50', '0.50', '0.33', '0.00', '0.00'],
    ])
    expect(names('share').slice(0, 4)).toEqual(['portal-1', 'postgres', 'hello-1', 'hello-1'])
  })

  test('every order without losing a row', () => {
    for (const name of Object.keys(orders)) {
      for (const text of [name, `-${name}`]) {
        expect(new Set(order(text)), text).toEqual(new Set(rows))
      }
    }
  })
})

test('a sorting is written as it is read, and the order of the table is nothing', () => {
  for (const name of Object.keys(orders) as OrderName[]) {
    for (const isDescending of [true, false]) {
      const text = printSorting({ by: name, isDescending })
      expect(readSorting(text)).toEqual({ by: name, isDescending })
    }
  }
  expect([printSorting({ by: 'route', isDescending: false }), printSorting(readSorting('-rate'))]).toEqual([
    '',
    '-rate',
  ])
})

test('to sort by a column again turns it round; another one begins with what is of interest', () => {
  const byRate = sortedBy('rate', readSorting(''))
  expect([byRate, sortedBy('rate', byRate), sortedBy('service', byRate)]).toEqual([
    { by: 'rate', isDescending: true },
    { by: 'rate', isDescending: false },
    { by: 'service', isDescending: false },
  ])
})
