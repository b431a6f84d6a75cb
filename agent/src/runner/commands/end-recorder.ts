import { rmSync, writeFileSync } from 'node:fs'
import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import type { CommandResult } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import {
  createOnceDurably,
  errorCode,
  isDiskFault,
  replaceFileDurably,
  unlessDiskFault,
} from '../../platform/files.ts'
import type { Log } from '../../platform/log.ts'
import type { CommandPaths } from '../../spool/spool-paths.ts'
import { readClaim, type StartedRecord } from '../../spool/spool-records.ts'
import { startFailure } from './ending.ts'

/** Interval between attempts on a faulty disk. */
export const DISK_RETRY_MS = retryDelayMs(RETRY_POLICIES.hostDisk, 1, 1)
const RESERVE = Buffer.alloc(4096, ' ')

/** Records the ends of commands durably, retrying until the disk accepts them. */
export class EndRecorder {
  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Reserves disk space for a command's end. A command without it runs nevertheless. */
  reserve(id: string, { reserve }: CommandPaths): void {
    unlessDiskFault(
      () => writeFileSync(reserve, RESERVE, { mode: 0o600 }),
      (error) => this.log.error('command.no_room', { id, error }),
    )
  }

  /** Records an end, freeing the reserve for it on a full disk. Resolves when it is on the disk, or the agent has removed the command. */
  async record(id: string, paths: CommandPaths, result: CommandResult): Promise<void> {
    while (true) {
      try {
        await replaceFileDurably(paths.exit, JSON.stringify(result))
        return this.#freeReserve(id, paths)
      } catch (error) {
        // The agent has removed the folder.
        if (errorCode(error) === 'ENOENT') return
        this.log.error('command.end_not_recorded', { id, error: errorCode(error) })
        this.#freeReserve(id, paths)
        await this.#pause()
      }
    }
  }

  /**
   * Fails a command whose claim the disk refused, without starting it. The claim is still made before the end is recorded, since it
   * decides who may record the end; a command that was withdrawn or removed meanwhile is left as it is.
   */
  async failUnstarted(id: string, paths: CommandPaths, claim: StartedRecord, fault: string): Promise<void> {
    while (true) {
      try {
        if (!readClaim(paths).isClaimed)
          await createOnceDurably(paths.started, 'runner', JSON.stringify(claim))
        if (readClaim(paths).record?.withdrawn_at_ms !== undefined) return
        break
      } catch (error) {
        if (!isDiskFault(error)) throw error
        if (errorCode(error) === 'ENOENT') return
        await this.#pause()
      }
    }
    const message = `The disk of the host did not accept the record of the start (${fault}), so the command was not started.`
    const counts = {
      stdout: 0,
      stderr: 0,
      dropped: 0,
      started_at_ms: null,
      ended_at_ms: this.clock.epochMs(),
    }
    await this.record(id, paths, startFailure(null, message, counts))
  }

  #freeReserve(id: string, { reserve }: CommandPaths): void {
    unlessDiskFault(
      () => rmSync(reserve, { force: true }),
      (error) => this.log.error('command.reserve_stays', { id, error }),
    )
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.clock.after(DISK_RETRY_MS, resolve))
  }
}
