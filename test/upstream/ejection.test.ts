import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ejection } from '../../src/upstream/ejection.ts'

const options = { failures: 3, time: 1_000, maxTime: 8_000 }

/** Failed until it ought to be ejected, and ejected. */
function ejected(now = 0): Ejection {
  const ejection = new Ejection(options)
  for (let i = 0; i < 2; i++) expect(ejection.failed()).toBe(false)
  expect(ejection.failed()).toBe(true)
  expect(ejection.eject(now)).toBe(1_000)
  return ejection
}

describe('an upstream', () => {
  test('is to be ejected after so many failures in a row, and a success in between begins the row anew', () => {
    const ejection = new Ejection(options)
    ejection.failed()
    ejection.failed()
    ejection.succeeded()
    expect([ejection.failed(), ejection.failed(), ejection.state]).toEqual([false, false, 'closed'])
    expect(ejection.failed()).toBe(true)
  })

  test('that nobody ejects stays closed, and ought to be ejected with each further failure', () => {
    const ejection = new Ejection(options)
    for (let i = 0; i < 3; i++) ejection.failed()
    expect([ejection.failed(), ejection.state]).toEqual([true, 'closed'])
  })

  test('that is open has no probe before its time is over, and one after it', () => {
    const ejection = ejected()
    expect([ejection.state, ejection.startProbe()]).toEqual(['open', false])
    ejection.elapsed()
    expect([ejection.state, ejection.startProbe(), ejection.state]).toEqual(['half-open', true, 'probing'])
    expect(ejection.startProbe()).toBe(false)
  })

  test('hears nothing from requests that began before it was ejected', () => {
    const ejection = ejected()
    ejection.succeeded()
    expect([ejection.failed(), ejection.state, ejection.failuresInARow]).toEqual([false, 'open', 3])
  })

  test('is back when its probe is answered, with a new row', () => {
    const ejection = ejected()
    ejection.elapsed()
    ejection.startProbe()
    ejection.probeSucceeded(1_500)
    expect([ejection.state, ejection.failuresInARow]).toEqual(['closed', 0])
  })

  test('is open twice as long each time its probe fails, up to the most', () => {
    const ejection = ejected()
    const times: number[] = []
    for (let i = 0; i < 4; i++) {
      ejection.elapsed()
      ejection.startProbe()
      times.push(ejection.eject(i * 1_000))
    }
    expect(times).toEqual([2_000, 4_000, 8_000, 8_000])
  })

  test('that was back for a short time only is ejected for longer; one that did well for long begins anew', () => {
    const again = (goodFor: number): number => {
      const ejection = ejected()
      ejection.elapsed()
      ejection.startProbe()
      ejection.probeSucceeded(2_000)
      for (let i = 0; i < 3; i++) ejection.failed()
      return ejection.eject(2_000 + goodFor)
    }
    expect([again(7_999), again(8_000)]).toEqual([2_000, 1_000])
  })

  test('whose probe leaves, or never ends, has another', () => {
    const ejection = ejected()
    ejection.elapsed()
    ejection.startProbe()
    ejection.probeLeft()
    expect(ejection.startProbe()).toBe(true)
    ejection.elapsed()
    expect([ejection.state, ejection.startProbe()]).toEqual(['half-open', true])
  })

  test('has never more than one probe out, and gets nothing while it is open, whatever happens in which order', () => {
    const events = fc.constantFrom('failed', 'succeeded', 'elapsed', 'probe', 'good', 'bad', 'left')
    fc.assert(
      fc.property(fc.array(events, { maxLength: 200 }), (list) => {
        const ejection = new Ejection(options)
        let probes = 0
        for (const [now, event] of list.entries()) {
          if (event === 'failed' && ejection.failed()) ejection.eject(now)
          if (event === 'succeeded') ejection.succeeded()
          // Its own time-out is not at issue here.
          if (event === 'elapsed' && ejection.state === 'open') ejection.elapsed()
          if (event === 'probe' && ejection.startProbe()) probes++
          if (probes > 0 && (event === 'good' || event === 'bad' || event === 'left')) {
            probes--
            if (event === 'good') ejection.probeSucceeded(now)
            else if (event === 'bad') ejection.eject(now)
            else ejection.probeLeft()
          }
          expect(probes).toBe(ejection.state === 'probing' ? 1 : 0)
        }
      }),
    )
  })
})
