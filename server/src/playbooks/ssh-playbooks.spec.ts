import { RollcallError } from '@rollcall/contracts'
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
const order = {
  playbook: 'x.yml',
  project: null,
  variables: { token: 'hunter2' },
  nonce: 'n',
  check: false,
  diff: false,
  expected: null,
  seconds: 120,
}
const collection = { name: 'mysite', version: 'ab'.repeat(32) }

type Exec = (argv: readonly string[], options: SshExecOptions, cancel: AbortController) => Promise<unknown>

/** What became of a command, and what was done on the way. `exec` is what the host does, `connect` whether it can be reached. */
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
      { fixTransport: async (_id: string, transport: string) => void done.push(transport) },
      new ManualClock(now.toISOString()),
    ] as unknown as ConstructorParameters<typeof SshPlaybooks>),
  )
  const complete = async <E>(ending: E) => ending
  const outcome = await ssh.drive(
    of,
    lease as unknown as CommandLease,
    { toHost: order, collection: isOwn ? collection : null },
    complete,
  )
  return { done, outcome, ending: outcome.do === 'end' ? outcome.ending : undefined }
}

const ends =
  (exitCode: number): Exec =>
  async () => ({ exitCode, signal: null })

describe('a playbook over SSH', () => {
  it('is noted as running before it is begun, and gives the host its order by standard input alone', async () => {
    const seen: { argv: readonly string[]; options: SshExecOptions }[] = []
    const { done, ending } = await drive(async (argv, options) => {
      seen.push({ argv, options })
      return { exitCode: 0, signal: null }
    })
    expect(done).toEqual(['ssh', 'running', 'close'])
    expect(ending).toMatchObject({ state: 'success', exitCode: 0 })
    expect(JSON.stringify(seen[0]?.argv)).not.toContain('hunter2')
    expect(seen[0]?.options).toMatchObject({ becomeRoot: true, isStdinHeldOpen: true })
    expect(JSON.parse(String(seen[0]?.options.stdin))).toEqual(order)
  })

  it("of one's own is brought to the host first", async () => {
    const { done } = await drive(ends(0), { isOwn: true })
    expect(done).toEqual(['mysite by /opt/tools', 'ssh', 'running', 'close'])
  })

  it('whose exit code says that it failed has failed', async () => {
    expect((await drive(ends(2))).ending).toMatchObject({ state: 'failed', exitCode: 2 })
  })

  it('whose connection breaks is lost, and not told as anything that is known', async () => {
    const { ending, done } = await drive(async () => {
      throw new RollcallError('ssh.connection_lost', 'it broke', { outcome: 'unknown' })
    })
    expect(ending).toMatchObject({ state: 'lost', reasonCode: 'ssh.connection_lost' })
    expect(done.at(-1)).toBe('close')
  })

  it('that another server had begun is lost, and is not begun again', async () => {
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

  it('that is cancelled or late before it was begun is not begun', async () => {
    const cancelled = await drive(ends(0), { isCancelled: true })
    expect(cancelled.ending).toMatchObject({ state: 'cancelled' })
    expect(cancelled.done).not.toContain('running')
    const late = await drive(ends(0), { now: new Date(NOW.getTime() + 60_000) })
    expect(late.ending).toMatchObject({ state: 'failed', reasonCode: 'command.never_started' })
    expect(late.done).toEqual([])
  })

  it('that is cancelled while it runs is told to end by its input, and what it says then counts', async () => {
    const { ending } = await drive(async (_argv, { endInput, signal }, cancel) => {
      cancel.abort()
      return { exitCode: endInput?.aborted && !signal?.aborted ? 143 : 0, signal: null }
    })
    expect(ending).toMatchObject({ state: 'cancelled', exitCode: 143 })
  })
})
