import { describe, expect, it } from 'vitest'
import { failureOf, readEvents } from './playbook-events.ts'

const NONCE = 'n'.repeat(32)
const DIGEST = 'a'.repeat(64)
const line = (fields: object) => `${JSON.stringify({ nonce: NONCE, ...fields })}\n`
const result = (fields: object = {}) =>
  line({
    event: 'result',
    task: 1,
    name: 'copy',
    status: 'changed',
    ignored: false,
    hidden: false,
    message: '',
    diff: '',
    ms: 5,
    ...fields,
  })
const totals = { ok: 1, changed: 1, failed: 0, skipped: 0, rescued: 0, unreachable: 0 }
const end = line({ event: 'end', omitted: 0, digest: DIGEST, ...totals })

describe('events of a playbook', () => {
  it('give tasks, totals and the digest', () => {
    const outcome = readEvents(line({ event: 'play', name: 'p' }) + result() + end, NONCE)
    expect(outcome).toMatchObject({ totals, digest: DIGEST, omitted: 0, isOutdated: false })
    expect(outcome.tasks).toEqual([
      {
        task: 1,
        name: 'copy',
        status: 'changed',
        isIgnored: false,
        isHidden: false,
        message: '',
        diff: '',
        durationMs: 5,
      },
    ])
  })

  it('lines without the nonce are output of a task, and no events', () => {
    const forged = end.replace(NONCE, 'x'.repeat(32)) + result().replace(NONCE, '')
    expect(readEvents(forged, NONCE)).toMatchObject({ tasks: [], totals: null })
  })

  it('lines that are cut off, no JSON or of an unknown kind are skipped', () => {
    const text = `${result().slice(0, 40)}\n{"a":\n${line({ event: 'later' })}${result()}`
    expect(readEvents(text, NONCE).tasks).toHaveLength(1)
  })

  it('events of a hostile host are bounded and harmless', () => {
    const text = result({ message: `\u001b[2J\0${'x'.repeat(5000)}`, diff: '-a\n+\u202eb\n' }).repeat(2100)
    const { tasks, omitted } = readEvents(text, NONCE)
    expect(tasks).toHaveLength(2000)
    expect(omitted).toBe(100)
    expect(tasks[0]?.message).toHaveLength(2000)
    expect(tasks[0]?.message.startsWith('\ufffd[2J\ufffd')).toBe(true)
    expect(tasks[0]?.diff).toBe('-a\n+\ufffdb\n')
  })

  it('name the task that failed, not one whose failure does not matter, and hide what it hides', () => {
    const failed = result({ status: 'failed', name: 'start', message: 'no\nroom' })
    const ignored = result({ status: 'failed', name: 'try', ignored: true })
    expect(failureOf(readEvents(failed + ignored, NONCE))).toBe('Task "start" failed: no room')
    expect(failureOf(readEvents(ignored, NONCE))).toBeNull()
    const hidden = result({ status: 'failed', hidden: true, message: '' })
    expect(failureOf(readEvents(hidden, NONCE))).toContain('hidden')
  })
})
