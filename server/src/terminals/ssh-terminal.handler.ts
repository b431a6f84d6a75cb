import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import {
  type CommandHandler,
  type CommandLease,
  CommandWorker,
  type DriveOutcome,
  type Ending,
  INPUT_CHANNEL,
  type LeasedCommand,
  OutputWriter,
  TerminalInputRepository,
} from '../commands/index.ts'
import { Alarm } from '../platform/clock/alarm.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import type { SshShell } from '../platform/ssh/index.ts'
import { ProvisioningService } from '../provisioning/index.ts'

/** How soon input is found when no notice comes, because the connection for notices is lost. */
const LOOK_INTERVAL_MS = 1000
const TERM = 'xterm-256color'

/**
 * Runs a login shell over SSH, for hosts without an agent. It depends on this server's connection: when the server ends, so does
 * the shell, and the server that takes the command over ends it as lost.
 */
@Injectable()
export class SshTerminalHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly provisioning: ProvisioningService,
    private readonly input: TerminalInputRepository,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit() {
    this.worker.register('ssh_terminal', this)
  }

  async drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    return { do: 'end', ending: await this.ending(command, lease) }
  }

  private async ending(command: LeasedCommand, lease: CommandLease): Promise<Ending> {
    if (lease.cancelled.aborted) return { state: 'cancelled', reason: 'It was cancelled.' }
    if (!command.isFirstAttempt) return ENDED_WITH_SERVER
    const deadline = AbortSignal.timeout(command.timeoutMs)
    const signal = AbortSignal.any([lease.stopped, lease.cancelled, deadline])
    return this.run(command, lease, signal).catch((error: unknown): Ending => {
      lease.stopped.throwIfAborted()
      if (lease.cancelled.aborted) return { state: 'cancelled', reason: 'It was cancelled.' }
      if (deadline.aborted) return { state: 'timed_out', reason: 'It was open for too long.' }
      if (error instanceof RollcallError)
        return { state: 'failed', reasonCode: error.code, reason: error.message }
      throw error
    })
  }

  private async run(command: LeasedCommand, lease: CommandLease, signal: AbortSignal): Promise<Ending> {
    const log = new OutputWriter(lease)
    const { columns, rows } = command
    const session = await this.provisioning.connect(command.hostId, signal)
    try {
      const onOutput = (data: Buffer) => log.write('stdout', data)
      const shell = await session.openShell({ columns, rows, term: TERM, onOutput, signal })
      await lease.report({ kind: 'running' })
      const { exitCode, signal: endedBy } = await this.feed(command.id, shell, signal)
      await log.flush()
      return { state: exitCode === 0 ? 'success' : 'failed', exitCode, signal: endedBy }
    } finally {
      await session.close()
    }
  }

  /** Passes input to the shell until it has ended. */
  private async feed(id: string, shell: SshShell, signal: AbortSignal) {
    const over = new AbortController()
    const news = new Alarm()
    const unlisten = this.notifications.listen(INPUT_CHANNEL, {
      onNotice: (commandId) => commandId === id && news.ring(),
      onGap: () => news.ring(),
    })
    const isOver = AbortSignal.any([over.signal, signal])
    const feeding = this.feedUntil(id, shell, news, isOver)
    try {
      return await Promise.race([shell.ended, feeding.then(() => shell.ended)])
    } finally {
      over.abort()
      unlisten()
      shell.ended.catch(() => undefined)
      await feeding
    }
  }

  private async feedUntil(id: string, shell: SshShell, news: Alarm, isOver: AbortSignal): Promise<void> {
    while (!isOver.aborted) {
      for (const input of await this.input.take(id))
        if ('data' in input) shell.write(input.data)
        else shell.resize(input.columns, input.rows)
      await news.wait(LOOK_INTERVAL_MS, isOver)
    }
  }
}

const ENDED_WITH_SERVER: Ending = {
  state: 'lost',
  reasonCode: 'command.server_ended',
  reason:
    'The server that held this terminal ended, or lost its database, and the shell with it: over SSH it cannot outlive that. Open another one.',
}
