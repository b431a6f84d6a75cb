import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { countsLine, ProgressLine } from './progress.ts'

const counts = (more: object) => ({
  held: 0,
  pending: 0,
  running: 0,
  success: 0,
  failed: 0,
  timed_out: 0,
  cancelled: 0,
  lost: 0,
  ...more,
})

function line(isTTY: boolean) {
  let now = 0
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 30 })
  const progress = new ProgressLine(stderr as never, () => now)
  const pass = (ms: number) => {
    now += ms
  }
  return { progress, pass, said: () => String(stderr.read() ?? '') }
}

describe('the progress of a run', () => {
  it('a state without hosts is left out of the counts', () => {
    expect(countsLine(counts({ success: 1 }))).toBe('1 host: 1 ok')
    expect(countsLine(counts({ held: 2, running: 3, failed: 1 }))).toBe(
      '6 hosts: 2 waiting for their turn, 3 running, 1 failed',
    )
  })

  it('progress is redrawn in place on a terminal, fits it, and can be cleared', () => {
    const { progress, said } = line(true)
    progress.show(counts({ running: 2, success: 1000, failed: 30 }))
    progress.show(counts({ running: 2, success: 1000, failed: 30 }))
    expect(said()).toBe('\r\x1b[2K1032 hosts: 2 running, 1000 o')
    progress.clear()
    progress.clear()
    expect(said()).toBe('\r\x1b[2K')
  })

  it('progress is a plain line now and then elsewhere', () => {
    const { progress, pass, said } = line(false)
    progress.show(counts({ running: 2 }))
    expect(said()).toBe('')
    pass(5000)
    progress.show(counts({ running: 1, success: 1 }))
    progress.show(counts({ success: 2 }))
    progress.clear()
    expect(said()).toBe('2 hosts: 1 running, 1 ok\n')
  })
})
