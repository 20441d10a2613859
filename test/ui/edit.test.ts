import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Edit,
  type EditEvent,
  isChanged,
  isChecked,
  nextEdit,
  refusedLines,
  unread,
} from '../../ui/src/overrides/edit.ts'
import { keyMistake, nameOf } from '../../ui/src/overrides/keys.ts'

const edited = (...events: EditEvent[]): Edit => events.reduce(nextEdit, unread)
const read = (value: string, version: string): EditEvent => ({ type: 'read', saved: { value, version } })
const typed = (text: string): EditEvent => ({ type: 'typed', text })

describe('an edit', () => {
  test('begins with what is there', () => {
    const edit = edited(read('a', '1'))
    expect([edit.text, isChanged(edit)]).toEqual(['a', false])
  })

  test('follows what others save as long as nothing is written here, and says so', () => {
    const edit = edited(read('a', '1'), read('b', '2'))
    expect([edit.text, isChanged(edit), edit.note?.look]).toEqual(['b', false, 'caution'])
  })

  test('never loses what is written here to what others save', () => {
    const edit = edited(read('a', '1'), typed('mine'), read('b', '2'))
    expect([edit.text, edit.theirs, edit.base]).toEqual([
      'mine',
      { value: 'b', version: '2' },
      { value: 'a', version: '1' },
    ])
  })

  test('is no conflict where both wrote the same', () => {
    const edit = edited(read('a', '1'), typed('b'), read('b', '2'))
    expect([isChanged(edit), edit.theirs, edit.base?.version]).toEqual([false, null, '2'])
  })

  test('after a conflict goes on with one of both texts, on top of theirs', () => {
    const conflict: EditEvent[] = [
      read('a', '1'),
      typed('mine'),
      { type: 'saving' },
      { type: 'conflict', theirs: { value: 'b', version: '2' } },
    ]
    const mine = edited(...conflict, { type: 'keep-mine' })
    expect([mine.text, mine.base, mine.theirs, isChanged(mine)]).toEqual([
      'mine',
      { value: 'b', version: '2' },
      null,
      true,
    ])
    const theirs = edited(...conflict, { type: 'take-theirs' })
    expect([theirs.text, theirs.base?.version, isChanged(theirs)]).toEqual(['b', '2', false])
  })

  test('that was saved is unchanged, and what was typed meanwhile is the next one', () => {
    const saved: EditEvent = { type: 'saved', saved: { value: 'b', version: '2' } }
    expect(isChanged(edited(read('a', '1'), typed('b'), { type: 'saving' }, saved))).toBe(false)
    const edit = edited(read('a', '1'), typed('b'), { type: 'saving' }, typed('bc'), saved)
    expect([isChanged(edit), edit.text, edit.base?.version]).toEqual([true, 'bc', '2'])
  })

  test('is not told of its own saving as of somebody else’s', () => {
    const edit = edited(read('a', '1'), typed('b'), { type: 'saving' }, read('b', '2'))
    expect([edit.theirs, edit.note]).toEqual([null, null])
  })

  test('knows of which text it was told what is wrong', () => {
    const result = {
      mistakes: [
        { line: 1, text: 'x', reason: 'r', refused: true },
        { line: 2, text: 'y', reason: 'r', refused: false },
      ],
      added: [],
      removed: [],
    }
    const edit = edited(read('a', '1'), typed('b'), { type: 'checked', text: 'b', result })
    expect([isChecked(edit), refusedLines(edit)]).toEqual([true, 1])
    const later = nextEdit(edit, typed('bc'))
    expect([isChecked(later), refusedLines(later)]).toEqual([false, 1])
    expect(nextEdit(later, { type: 'checked', text: 'b', result: { ...result, mistakes: [] } })).toBe(later)
  })

  // A text that had followed the document kept a conflict of the time before, and could be saved over the new version.
  test('that follows what somebody else has saved forgets what was there before', () => {
    const conflict: EditEvent = { type: 'conflict', theirs: { value: 'b', version: '1' } }
    const edit = edited(read('a', '2'), typed('c'), read('c', '1'), conflict, read('a', '2'))
    expect([edit.text, edit.theirs]).toEqual(['a', null])
    expect(nextEdit(edit, { type: 'keep-mine' })).toBe(edit)
  })

  test('is never saved over a version that was not seen, whatever happens', () => {
    const value = fc.constantFrom('a', 'b', 'c')
    const version = fc.integer({ min: 1, max: 4 }).map(String)
    const saved = fc.record({ value, version })
    const event: fc.Arbitrary<EditEvent> = fc.oneof(
      saved.map((s): EditEvent => ({ type: 'read', saved: s })),
      value.map((text): EditEvent => ({ type: 'typed', text })),
      saved.map((theirs): EditEvent => ({ type: 'conflict', theirs })),
      fc.constantFrom<EditEvent>({ type: 'saving' }, { type: 'keep-mine' }, { type: 'take-theirs' }),
    )
    fc.assert(
      fc.property(fc.array(event), (events) => {
        let edit = edited(read('a', '1'))
        let mine: string | null = null
        for (const each of events) {
          const before = edit
          edit = nextEdit(edit, each)
          if (each.type === 'typed') mine = each.text
          if (each.type === 'take-theirs') mine = null
          // The base of a changed text moves by a choice of the reader alone, or to the very text that is there.
          if (before.base !== null && isChanged(before) && edit.base?.version !== before.base.version) {
            expect(['keep-mine', 'take-theirs'].includes(each.type) || edit.base?.value === edit.text).toBe(
              true,
            )
          }
          // What was typed is in safety once it is what the document holds; else it leaves the field by a choice alone.
          if (!isChanged(edit)) mine = null
          if (mine !== null && isChanged(edit)) expect(edit.text).toBe(mine)
        }
      }),
    )
  })
})

test.each([
  ['', 'default'],
  ['/team-a', 'team-a'],
  ['/team/b', 'team/b'],
])('the document %j is called %s', (key, name) => {
  expect(nameOf(key)).toBe(name)
})

test.each([
  ['team-a', ''],
  ['team/b', ''],
  ['', 'a name is missing'],
  ['a//b', 'expected a name, or names with one / between them'],
  ['../x', 'expected a name, or names with one / between them'],
  ['a/', 'expected a name, or names with one / between them'],
])('of the new name %j is wrong: %j', (name, mistake) => {
  expect(keyMistake(name)).toBe(mistake)
})
