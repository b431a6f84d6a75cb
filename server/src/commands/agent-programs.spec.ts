import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { AgentPrograms, type ProgramHost } from './agent-programs.ts'

const PROGRAM = { id: 'p', command: 'python3', args: ['-I', 'x'], timeoutS: 60 }
const SILENT = new RollcallError('agent.unreachable', 'connection refused')

type Answer = object | RollcallError

/** An agent with a list of answers for each method; the last one of a list is repeated. */
function setting(answers: Record<string, Answer[]>, host: Partial<ProgramHost> = {}) {
  const calls: { method: string; params: Record<string, unknown> }[] = []
  const agents = {
    call: async (_hostId: string, method: string, params: Record<string, unknown>) => {
      calls.push({ method, params })
      const list = answers[method] ?? [{}]
      const next = list.length > 1 ? list.shift() : list[0]
      if (next instanceof Error) throw next
      return next
    },
  }
  const clock = new ManualClock('2026-01-01T00:00:00Z')
  const { signal } = new AbortController()
  const programs = new AgentPrograms(agents as never, clock, {
    id: 'h',
    signal,
    silentForMs: 1000,
    ...host,
  })
  return { programs, calls, methods: () => calls.map(({ method }) => method) }
}

const log = (data: Buffer, offset: number, exitCode?: number, stream = 'stdout') => ({
  log_type: stream,
  log_data: data.toString('base64'),
  further: [],
  new_offset: offset + data.length,
  is_final: exitCode !== undefined,
  result: exitCode === undefined ? null : { return_code: exitCode },
})

describe('programs that the server runs on a host', () => {
  it('an answer whose characters straddle two pieces of output is read whole, without stderr', async () => {
    const whole = Buffer.from('{"state":"läuft"}')
    const { programs, calls, methods } = setting({
      get_command_log: [
        log(whole.subarray(0, 11), 0),
        log(Buffer.from('a warning'), 11, undefined, 'stderr'),
        log(whole.subarray(11), 20, 0),
      ],
    })
    expect(await programs.run(PROGRAM)).toEqual({ exitCode: 0, stdout: '{"state":"läuft"}' })
    expect(calls[0]?.params).toMatchObject({ command_id: 'p', command: 'python3', timeout: 60 })
    expect(calls.slice(1, 4).map(({ params }) => params.offset)).toEqual([0, 11, 20])
    expect(methods().at(-1)).toBe('release_command')
  })

  it('a program whose answer is still needed is not released', async () => {
    const { programs, methods } = setting({ get_command_log: [log(Buffer.from('{}'), 0, 0)] })
    await programs.runSpooled(PROGRAM)
    expect(methods()).toEqual(['execute_command', 'get_command_log'])
  })

  it('an agent that is silent for a moment is asked again for the same program', async () => {
    const { programs, calls } = setting({
      execute_command: [SILENT, SILENT, {}],
      get_command_log: [SILENT, log(Buffer.from('done'), 0, 3)],
    })
    expect(await programs.run(PROGRAM)).toEqual({ exitCode: 3, stdout: 'done' })
    expect(new Set(calls.map(({ params }) => params.command_id))).toEqual(new Set(['p']))
  })

  it('an agent that stays silent ends the wait with the error of whoever asked', async () => {
    const toSilence = (cause: RollcallError) => new RollcallError('upgrade.stranded', 'silent', { cause })
    const { programs, methods } = setting({ execute_command: [SILENT] }, { toSilence })
    await expect(programs.run(PROGRAM)).rejects.toMatchObject({ code: 'upgrade.stranded', cause: SILENT })
    expect(methods().length).toBeLessThan(10)
    await expect(setting({ execute_command: [SILENT] }).programs.run(PROGRAM)).rejects.toBe(SILENT)
  })

  it('a refusal of the agent is not repeated', async () => {
    const refused = new RollcallError('request.invalid', 'no such parameter')
    const { programs, methods } = setting({ execute_command: [refused] })
    await expect(programs.run(PROGRAM)).rejects.toBe(refused)
    expect(methods()).toEqual(['execute_command'])
  })

  it('a program that an earlier release of the server has started is followed and not refused', async () => {
    const conflict = new RollcallError('command.id_conflict', 'another command has this id')
    const { programs } = setting({
      execute_command: [conflict],
      get_command_log: [log(Buffer.from('{}'), 0, 0)],
    })
    expect(await programs.run(PROGRAM)).toEqual({ exitCode: 0, stdout: '{}' })
  })

  it('an answer that does not end is kept up to a bound', async () => {
    const piece = Buffer.alloc(40_000, 'x')
    const { programs } = setting({
      get_command_log: [log(piece, 0), log(piece, 40_000), log(piece, 80_000, 0)],
    })
    expect((await programs.run(PROGRAM)).stdout).toHaveLength(64 * 1024)
  })
})
