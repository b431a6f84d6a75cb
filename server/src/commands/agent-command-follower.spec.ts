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
  it('all output is stored in order before the end of the command is returned', async () => {
    const { follower, reported, questions } = setting([
      answer(0, 'one'),
      answer(3, 'two'),
      answer(6, '', true),
    ])
    expect(await follower.untilEnded(true)).toMatchObject({ state: 'success', exitCode: 0, durationMs: 5 })
    expect(reported).toEqual(['running', 'one', 'two'])
    expect(questions.map(({ offset }) => offset)).toEqual([0, 3, 6])
  })

  it('no byte is acknowledged to the agent before it is stored', async () => {
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

  it('a command that has ended by its first answer is not first stored as running', async () => {
    const { follower, reported, questions } = setting([])
    await follower.untilEnded(true, answer(0, 'x', true))
    expect(reported).toEqual(['x'])
    expect(questions).toEqual([])
  })

  it('an answer to a running command stores that its agent answers again', async () => {
    const { follower, reported } = setting([answer(0, 'x', true)], { state: 'running' })
    await follower.untilEnded(true)
    expect(reported).toEqual(['running', 'x'])
  })

  it('a question is broken off when the command is cancelled, and the agent is told of it once', async () => {
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

  it('a server that stops throws its reason, and cancels nothing', async () => {
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

  it('a failure to store is thrown, though the agent answers on', async () => {
    const { follower } = setting([answer(0, 'one'), answer(3, 'two'), answer(6, '', true)], {
      store: async () => {
        throw new Error('the database is away')
      },
    })
    await expect(follower.untilEnded(false)).rejects.toThrow('the database is away')
  })
})
