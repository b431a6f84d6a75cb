import { RollcallError } from '@rollcall/contracts'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { CommandEvents } from './command-events.ts'
import type { CommandLease } from './command-lease.ts'
import { CommandWorker, type DriveOutcome } from './command-worker.ts'
import type { LeasedCommand } from './domain/command.ts'
import type { Wait } from './domain/next-step.ts'

const COMMAND = {
  id: 'c',
  runId: 'r',
  hostId: 'h',
  kind: 'command',
  position: null,
  cancelRequestedAt: null,
  unansweredSince: null,
  outputBytes: 0,
  markBytes: 0,
  cutBytes: 0,
  isOutputCut: false,
} as unknown as LeasedCommand

/** A worker over repositories that hold the lease of one command as long as `isHeld` says so. */
function setting(
  drive: (lease: CommandLease) => Promise<DriveOutcome>,
  { isHeld = true, queued = [''] } = {},
) {
  const done: string[] = []
  const waits: Wait[] = []
  const leases = {
    acquire: async (id: string) => ({ ...COMMAND, id }),
    release: async (_id: string, _owner: string, wait: Wait) => void waits.push(wait),
    due: async () => queued,
    cancelRequested: async (ids: string[]) => ids,
  }
  const lifecycle = {
    start: async () => isHeld,
    end: async () => isHeld && done.push('ended') > 0,
  }
  const outputs = { append: async () => isHeld }
  const worker = new CommandWorker(
    leases as never,
    lifecycle as never,
    outputs as never,
    { add: (id: string) => void done.push(`cleanup of ${id}`) } as never,
    { add: async (id: string) => void done.push(`queued ${id}`) } as never,
    new ManualClock('2026-01-01T00:00:00Z'),
    new CommandEvents(),
    { ended: () => undefined } as never,
    { room: { perCommand: 100, total: 100, left: 100 }, stored: () => undefined } as never,
    'server',
    pino({ level: 'silent' }),
  )
  worker.register('command', {
    drive: (_command, lease) => drive(lease),
    afterEnd: ({ id }) => void done.push(`handler heard of ${id}`),
  })
  const settled = () => new Promise(setImmediate)
  return { worker, done, waits, settled }
}

const END: DriveOutcome = { do: 'end', ending: { state: 'success' } }

describe('a command that a handler drove to its end', () => {
  it('a command is ended before its agent is told to forget it and its handler hears of the end', async () => {
    const { worker, done, waits, settled } = setting(async () => ({ ...END, isSpooled: true }))
    worker.announce('c')
    await settled()
    expect(done).toEqual(['ended', 'cleanup of c', 'handler heard of c'])
    expect(waits).toEqual([])
  })

  it('a server that lost the lease of a command cleans nothing up and releases nothing', async () => {
    const { worker, done, waits, settled } = setting(async () => ({ ...END, isSpooled: true }), {
      isHeld: false,
    })
    worker.announce('c')
    await settled()
    expect([done, waits]).toEqual([[], []])
  })
})

describe('a command that a handler could not drive to its end', () => {
  const away = new RollcallError('agent.unreachable', 'The agent does not answer.')

  it('a command to be tried again is released with the reason, and as never tried where the handler says so', async () => {
    const { worker, done, waits, settled } = setting(async () => ({
      do: 'retry',
      error: away,
      notStarted: true,
    }))
    worker.announce('c')
    await settled()
    expect(waits).toMatchObject([{ notStarted: true, reasonCode: 'agent.unreachable' }])
    expect(done).toEqual([])
  })

  it('a command whose handler threw counts as one that may have started', async () => {
    const { worker, waits, settled } = setting(async () => {
      throw away
    })
    worker.announce('c')
    await settled()
    expect(waits).toMatchObject([{ notStarted: false, reasonCode: 'agent.unreachable' }])
  })

  it('a command whose progress could not be stored because the lease is lost is not released', async () => {
    const { worker, waits, settled } = setting(
      async (lease) => {
        await lease.report({ kind: 'running' })
        return END
      },
      { isHeld: false },
    )
    worker.announce('c')
    await settled()
    expect(waits).toEqual([])
  })
})

it('a command that somebody cancels fires the signal of its lease, on this server and by way of another', async () => {
  const cancelled: string[] = []
  const { worker, settled } = setting(
    (lease) =>
      new Promise((resolve) =>
        lease.cancelled.addEventListener('abort', () => {
          cancelled.push(lease.id)
          resolve(END)
        }),
      ),
    { queued: [] },
  )
  worker.announce('here')
  worker.announce('elsewhere')
  await settled()
  worker.announceCancel('here')
  expect(cancelled).toEqual(['here'])
  await worker.reconcile(new Date())
  expect(cancelled).toEqual(['here', 'elsewhere'])
})

it('a due command is queued at the first tick, and taken at the second one where no server has done so', async () => {
  const { worker, done, settled } = setting(async () => END, { queued: ['c'] })
  await worker.reconcile(new Date())
  expect(done).toEqual(['queued c'])
  await worker.reconcile(new Date())
  await settled()
  expect(done.slice(1)).toEqual(['ended', 'handler heard of c'])
})

it('output that does not follow what was taken is refused, so that no byte is stored twice or left out', async () => {
  const { worker, waits, settled } = setting(async (lease) => {
    await lease.report({ kind: 'output', offset: 0, piece: { data: Buffer.from('abc'), runs: [3] } })
    await lease.report({ kind: 'output', offset: 2, piece: { data: Buffer.from('cd'), runs: [2] } })
    return END
  })
  worker.announce('c')
  await settled()
  expect(waits).toMatchObject([{ reasonCode: 'server.defect' }])
})
