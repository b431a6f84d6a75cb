import { RollcallError } from '@rollcall/contracts'
import { ansibleJob } from '@rollcall/contracts/agent'
import { describe, expect, it } from 'vitest'
import type { CommandLease, LeasedCommand } from '../commands/index.ts'
import type { SshExecOptions, SshSession } from '../platform/ssh/index.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { SshPlaybooks } from './ssh-playbooks.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const command = {
  id: 'c',
  hostId: 'h',
  state: 'pending',
  admittedAt: NOW,
  dispatchedAt: NOW,
  cancelRequestedAt: null,
  startWithinMs: 60_000,
  timeoutMs: 60_000,
  outputBytes: 0,
  isFirstAttempt: true,
} as unknown as LeasedCommand
const job = ansibleJob.parse({
  playbook: 'x.yml',
  extra_vars: { token: 'hunter2' },
  nonce: 'n'.repeat(22),
  timeout: 120,
})
const collection = { name: 'mysite', version: 'ab'.repeat(32) }

type Exec = (argv: readonly string[], options: SshExecOptions, cancel: AbortController) => Promise<unknown>

/** Drives a command. Returns its outcome and the calls on the way; `exec` is the host's program, `connect` its reachability. */
async function drive(
  exec: Exec,
  {
    connect = async () => undefined as unknown,
    of = command,
    now = NOW,
    isCancelled = false,
    isOwn = false,
  } = {},
) {
  const done: string[] = []
  const cancel = new AbortController()
  if (isCancelled) cancel.abort()
  const session = {
    exec: (argv: readonly string[], options: SshExecOptions) => exec(argv, options, cancel),
    close: async () => void done.push('close'),
    [Symbol.asyncDispose]: async () => void done.push('close'),
  } as unknown as SshSession
  const lease = {
    id: 'c',
    takenBytes: 0,
    stopped: new AbortController().signal,
    cancelled: cancel.signal,
    report: async ({ kind }: { kind: string }) => void done.push(kind),
  }
  const ssh = new SshPlaybooks(
    ...([
      { connect: async () => (await connect()) ?? session },
      { ensure: async () => '/opt/tools' },
      {
        ensureOverSsh: async (_session: unknown, folder: string, { name }: typeof collection) =>
          void done.push(`${name} by ${folder}`),
      },
      { storeTransport: async (_id: string, transport: string) => void done.push(transport) },
      new ManualClock(now.toISOString()),
    ] as unknown as ConstructorParameters<typeof SshPlaybooks>),
  )
  const complete = async <E>(ending: E) => ending
  const given = isOwn ? { ...job, collection } : job
  const outcome = await ssh.drive(of, lease as unknown as CommandLease, given, complete)
  return { done, outcome, ending: outcome.do === 'end' ? outcome.ending : undefined }
}

const ends =
  (exitCode: number): Exec =>
  async () => ({ exitCode, signal: null })

describe('a playbook over SSH', () => {
  it('a playbook over SSH is stored as running before it starts, and its job reaches the host by standard input alone', async () => {
    const seen: { argv: readonly string[]; options: SshExecOptions }[] = []
    const { done, ending } = await drive(async (argv, options) => {
      seen.push({ argv, options })
      return { exitCode: 0, signal: null }
    })
    expect(done).toEqual(['ssh', 'running', 'close'])
    expect(ending).toMatchObject({ state: 'success', exitCode: 0 })
    expect(JSON.stringify(seen[0]?.argv)).not.toContain('hunter2')
    expect(seen[0]?.options).toMatchObject({ becomeRoot: true, isStdinHeldOpen: true })
    expect(JSON.parse(String(seen[0]?.options.stdin))).toEqual(job)
  })

  it("a user's playbook over SSH is brought to the host before it runs", async () => {
    const { done } = await drive(ends(0), { isOwn: true })
    expect(done).toEqual(['mysite by /opt/tools', 'ssh', 'running', 'close'])
  })

  it('a playbook over SSH with an exit code other than 0 has failed', async () => {
    expect((await drive(ends(2))).ending).toMatchObject({ state: 'failed', exitCode: 2 })
  })

  it('a playbook over SSH whose connection breaks is lost', async () => {
    const { ending, done } = await drive(async () => {
      throw new RollcallError('ssh.connection_lost', 'it broke', { outcome: 'unknown' })
    })
    expect(ending).toMatchObject({ state: 'lost', reasonCode: 'ssh.connection_lost' })
    expect(done.at(-1)).toBe('close')
  })

  it('a playbook over SSH that another server started is lost, and is not started again', async () => {
    const running = { ...command, state: 'running' } as LeasedCommand
    const { ending, done } = await drive(ends(0), { of: running })
    expect(ending).toMatchObject({ state: 'lost', reasonCode: 'command.server_ended' })
    expect(done).toEqual([])
  })

  it('on a host that refuses us has failed; on one that is not reached it is tried again, as one that was never tried', async () => {
    const refused = await drive(ends(0), {
      connect: async () => {
        throw new RollcallError('ssh.auth_failed', 'no')
      },
    })
    expect(refused.ending).toMatchObject({ state: 'failed', reasonCode: 'ssh.auth_failed' })
    const away = await drive(ends(0), {
      connect: async () => {
        throw new RollcallError('ssh.unreachable', 'away')
      },
    })
    expect(away.outcome).toMatchObject({
      do: 'retry',
      notStarted: true,
      error: { code: 'ssh.unreachable' },
    })
  })

  it('a playbook over SSH that is cancelled or late before its start is not started', async () => {
    const cancelled = await drive(ends(0), { isCancelled: true })
    expect(cancelled.ending).toMatchObject({ state: 'cancelled' })
    expect(cancelled.done).not.toContain('running')
    const late = await drive(ends(0), { now: new Date(NOW.getTime() + 60_000) })
    expect(late.ending).toMatchObject({ state: 'failed', reasonCode: 'command.never_started' })
    expect(late.done).toEqual([])
  })

  it('a playbook over SSH that is cancelled is ended by its input, and its exit code counts', async () => {
    const { ending } = await drive(async (_argv, { endInput, signal }, cancel) => {
      cancel.abort()
      return { exitCode: endInput?.aborted && !signal?.aborted ? 143 : 0, signal: null }
    })
    expect(ending).toMatchObject({ state: 'cancelled', exitCode: 143 })
  })
})
