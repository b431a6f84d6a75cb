import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterLines, MAX_LOG_LINES, MergedLog, toLogLine } from './merged-log.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const at = (micros: number) =>
  `2026-11-30T10:00:${String(Math.floor(micros / 1e6)).padStart(2, '0')}.${String(micros % 1e6).padStart(6, '0')}Z`

describe('the logs of all instances as one', () => {
  it('lines of several instances are merged to the microsecond, in whichever order they come', () => {
    const log = new MergedLog()
    log.append(1, bytes(`${at(2)} web out second\n${at(4)} web err fourth\n`))
    log.append(2, bytes(`${at(1)} web out first\n${at(3)} db out third\n`))
    expect(log.lines.map(({ text, slot, container, isErr }) => [text, slot, container, isErr])).toEqual([
      ['first', 2, 'web', false],
      ['second', 1, 'web', false],
      ['third', 2, 'db', false],
      ['fourth', 1, 'web', true],
    ])
  })

  it('a line that comes in pieces, with a character cut in the middle, is one line', () => {
    const log = new MergedLog()
    const line = bytes(`${at(1)} web out grüße\n`)
    const cut = line.length - 5
    log.append(1, line.subarray(0, cut))
    expect(log.lines).toEqual([])
    log.append(1, line.subarray(cut))
    expect(log.lines.map(({ text }) => text)).toEqual(['grüße'])
  })

  it('what the host says of a container is a line of that container, and no error of it', () => {
    const [line] = [`${at(1)} web host container died`].map((text) => toLogLine(text, 1, 0))
    expect(line).toMatchObject({ container: 'web', isErr: false, isHost: true, text: 'container died' })
  })

  it('a line without a time stays behind the line before it of the same instance', () => {
    const log = new MergedLog()
    log.append(1, bytes(`${at(5)} web out Error\n    at main.js:1\n`))
    log.append(2, bytes(`${at(9)} web out later\n`))
    expect(log.lines.map(({ text }) => text)).toEqual(['Error', '    at main.js:1', 'later'])
  })

  it('only so many lines are kept, the newest, and the rest is counted', () => {
    const log = new MergedLog()
    for (let i = 0; i < MAX_LOG_LINES + 7; i++) log.append(1, bytes(`${at(i)} web out ${i}\n`))
    expect([log.lines.length, log.dropped, log.lines[0]?.text]).toEqual([MAX_LOG_LINES, 7, '7'])
  })

  it('a line that never ends takes bounded memory', () => {
    const log = new MergedLog()
    for (let i = 0; i < 10; i++) log.append(1, bytes('x'.repeat(10_000)))
    expect(log.lines.length).toBeGreaterThan(4)
    expect(Math.max(...log.lines.map(({ text }) => text.length))).toBeLessThanOrEqual(16 * 1024)
  })

  it('a filter hides instances, keeps what stands in the text ignoring case, and shows errors alone', () => {
    const log = new MergedLog()
    log.append(1, bytes(`${at(1)} web out GET /up\n${at(2)} web err Failed\n`))
    log.append(2, bytes(`${at(3)} db out get\n`))
    const shown = (filter: object) =>
      filterLines(log.lines, { hidden: new Set(), text: '', isErrOnly: false, ...filter }).map(
        ({ text }) => text,
      )
    expect(shown({ hidden: new Set([2]) })).toEqual(['GET /up', 'Failed'])
    expect(shown({ text: 'get' })).toEqual(['GET /up', 'get'])
    expect(shown({ text: 'db' })).toEqual(['get'])
    expect(shown({ isErrOnly: true })).toEqual(['Failed'])
  })

  it('whatever hosts send and however it is cut, lines stay in order and none is lost', () => {
    const line = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 50e6 }))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (all, size) => {
        const log = new MergedLog()
        for (const slot of [1, 2, 3]) {
          const own = all.filter(([of]) => of === slot).map(([, us]) => us)
          const sent = bytes(own.map((us) => `${at(us)} web out ${us}\n`).join(''))
          for (let from = 0; from < sent.length; from += size)
            log.append(slot, sent.subarray(from, from + size))
        }
        const times = log.lines.map(({ atUs }) => atUs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        expect(log.lines.map(({ text }) => Number(text)).toSorted()).toEqual(
          all.map(([, us]) => us).toSorted(),
        )
      }),
    )
  })

  it('a text of any form is a line and never an error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(toLogLine(text, 1, 5).slot).toBe(1)
      }),
    )
    expect(toLogLine('9999-99-99T99:99:99Z web out x', 1, 5)).toMatchObject({ atUs: 5, container: '' })
  })
})
