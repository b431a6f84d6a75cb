import { describe, expect, it } from 'vitest'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { AgentCommandFollower } from './agent-command-follower.ts'
import type { CommandLease, CommandProgress } from './command-lease.ts'
import type { LeasedCommand } from './domain/command.ts'
import type { LogAnswer } from './domain/log-answer.ts'

const RESULT = { status: 'success', return_code: 0, started_at_ms: 0, ended_at_ms: 5, dropped: 0 }

/** An answer with output from `offset` on; the last one says how the command ended. */
const answer = (offset: number, text: string, isFinal = false) =>
  ({
    log_type: 'stdout',
    log_data: Buffer.from(text).toString('base64'),
    further: [],
    new_offset: offset + text.length,
    is_final: isFinal,
    result: isFinal ? RESULT : null,
  }) as unknown as LogAnswer

interface Question {
  offset: number
  acknowledged_offset: number
}

/** An agent with a list of answers, and a lease that stores at once, or when the spec lets it. */
function setting(
  answers: (LogAnswer | ((signal: AbortSignal) => Promise<LogAnswer>))[],
  { state = 'pending', store = (): Promise<void> => Promise.resolve() } = {},
) {
  const questions: Question[] = []
  const calls: string[] = []
  const reported: string[] = []
  const [stop, cancel] = [new AbortController(), new AbortController()]
  const agents = {
    call: async (_hostId: string, method: string, params: Question, { signal }: { signal: AbortSignal }) => {
      calls.push(method)
      if (method !== 'get_command_log') return {}
      questions.push(params)
      const next = answers.shift()
      if (!next) throw new Error('one question too many')
      return typeof next === 'function' ? next(signal) : next
    },
  }
  const lease = {
    stopped: stop.signal,
    cancelled: cancel.signal,
    takenBytes: 0,
    isCutting: false,
    async report(progress: CommandProgress) {
      if (progress.kind === 'running') return void reported.push('running')
      await store()
      lease.takenBytes += progress.piece.data.length
      reported.push(progress.piece.data.toString())
    },
  }
  const clock = new ManualClock('2026-01-01T00:00:00Z')
  const follower = new AgentCommandFollower(
    { id: 'c', hostId: 'h', state } as LeasedCommand,
    lease as unknown as CommandLease,
    agents as never,
    clock,
  )
  return { follower, questions, calls, reported, stop, cancel, clock }
}

describe('following a command through its agent', () => {
  it('stores all output in order before it says how the command ended', async () => {
    const { follower, reported, questions } = setting([
      answer(0, 'one'),
      answer(3, 'two'),
      answer(6, '', true),
    ])
    expect(await follower.untilEnded(true)).toMatchObject({ state: 'success', exitCode: 0, durationMs: 5 })
    expect(reported).toEqual(['running', 'one', 'two'])
    expect(questions.map(({ offset }) => offset)).toEqual([0, 3, 6])
  })

  it('acknowledges no byte to the agent before it is stored', async () => {
    const storing = Promise.withResolvers<void>()
    const { follower, questions } = setting(
      [
        answer(0, 'one'),
        async () => {
          storing.resolve()
          return answer(3, '', true)
        },
      ],
      { store: () => storing.promise },
    )
    await follower.untilEnded(false)
    expect(questions).toMatchObject([
      { offset: 0, acknowledged_offset: 0 },
      { offset: 3, acknowledged_offset: 0 },
    ])
  })

  it('does not first store as running what has ended by its first answer', async () => {
    const { follower, reported, questions } = setting([])
    await follower.untilEnded(true, answer(0, 'x', true))
    expect(reported).toEqual(['x'])
    expect(questions).toEqual([])
  })

  it('stores that the agent of a running command answers again, after its answer', async () => {
    const { follower, reported } = setting([answer(0, 'x', true)], { state: 'running' })
    await follower.untilEnded(true)
    expect(reported).toEqual(['running', 'x'])
  })

  it('breaks a question off when the command is to be cancelled, tells the agent once, and asks again', async () => {
    const { follower, calls, cancel } = setting([
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          cancel.abort()
        }),
      answer(0, 'x'),
      answer(1, '', true),
    ])
    await follower.untilEnded(false)
    expect(calls).toEqual(['get_command_log', 'cancel_command', 'get_command_log', 'get_command_log'])
  })

  it('throws the reason when the server stops, and does not take it for a wish to cancel', async () => {
    const { follower, calls, stop } = setting([
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          stop.abort(new Error('the lease was lost'))
        }),
    ])
    await expect(follower.untilEnded(false)).rejects.toThrow('the lease was lost')
    expect(calls).toEqual(['get_command_log'])
  })

  it('throws when storing fails, though the agent goes on to answer', async () => {
    const { follower } = setting([answer(0, 'one'), answer(3, 'two'), answer(6, '', true)], {
      store: async () => {
        throw new Error('the database is away')
      },
    })
    await expect(follower.untilEnded(false)).rejects.toThrow('the database is away')
  })
})
