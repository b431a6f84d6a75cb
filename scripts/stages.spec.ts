import { describe, expect, it } from 'vitest'
import { FAIL_FACTOR, Stages } from './stages.mjs'

/** Stages on a clock that stands at `at` milliseconds. */
function clocked() {
  const clock = { at: 0 }
  return { clock, stages: new Stages(() => clock.at) }
}

describe('stages of a test run', () => {
  it('a stage is judged by its share of a fixed piece of work and not by seconds', async () => {
    const { clock, stages } = clocked()
    await stages.run('build', async () => {
      clock.at += 30_000
    })
    const shares = { build: 10 }
    expect(stages.report(6, shares)).toMatchObject({ over: [], hasFailed: false })
    expect(stages.report(2, shares)).toMatchObject({ over: ['build'], hasFailed: false })
    expect(stages.report(2, shares).lines.at(-1)).toContain('build took 1.5 times its share')
  })

  it('a stage that is far over its share fails the run', () => {
    const { stages } = clocked()
    stages.add('build', 10 * FAIL_FACTOR + 1)
    expect(stages.report(1, { build: 10 })).toMatchObject({ over: ['build'], hasFailed: true })
  })

  it('a stage without a share is listed and never judged', () => {
    const { stages } = clocked()
    stages.add('packages', 1e6)
    expect(stages.report(1, {})).toMatchObject({ over: [], hasFailed: false })
    expect(stages.report(1, {}).lines.join('\n')).toMatch(/packages +1000000.0 s/)
  })

  it('a stage that throws is listed with what it took, and its error is passed on', async () => {
    const { clock, stages } = clocked()
    const failing = stages.run('lint', async () => {
      clock.at += 2000
      throw new Error('two faults')
    })
    await expect(failing).rejects.toThrow('two faults')
    expect(stages.report(1).lines.join('\n')).toMatch(/lint +2\.0 s/)
  })
})
