import { Injectable, type OnModuleInit } from '@nestjs/common'
import {
  AgentCommandHandler,
  type CommandHandler,
  type CommandLease,
  CommandLifecycleRepository,
  CommandWorker,
  type DriveOutcome,
  type EndedCommand,
  type LeasedCommand,
} from '../commands/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { toStepOutcome } from './domain/step-answer.ts'
import { InstanceStepDriver } from './instance-step-driver.ts'
import { InstancesReconciler } from './instances.reconciler.ts'
import { InstancesRepository } from './instances.repository.ts'
import { toStepRequest } from './step-run.ts'

/** The host program as units run it, which every host with instances has. */
const SAVED_PROGRAM = '/opt/rollcall-services/rollcall_host.zip'

/** Drives commands of instances: their steps, and programs that only read or run in them, whose output goes the way of any program's. */
@Injectable()
export class InstanceHandler implements CommandHandler, OnModuleInit {
  constructor(
    private readonly worker: CommandWorker,
    private readonly lifecycle: CommandLifecycleRepository,
    private readonly steps: InstanceStepDriver,
    private readonly agent: AgentCommandHandler,
    private readonly instances: InstancesRepository,
    private readonly reconciler: InstancesReconciler,
  ) {}

  onModuleInit() {
    this.worker.register('instance', this)
    this.lifecycle.onCommandEnded(['instance'], (sql, ended) => this.storeOutcomes(sql, ended))
  }

  drive(command: LeasedCommand, lease: CommandLease): Promise<DriveOutcome> {
    const request = toStepRequest(command.args)
    if (request) return this.steps.drive(command, lease, request)
    const { args, tty, columns, rows, stdin } = command
    const program = ['-I', SAVED_PROGRAM, 'service', ...args]
    return this.agent.driveWith(command, lease, {
      start: async () => ({
        method: 'execute_command',
        params: {
          command_id: command.id,
          command: 'python3',
          args: program,
          timeout: command.timeoutMs / 1000,
          tty,
          columns,
          rows,
          stdin,
        },
      }),
    })
  }

  afterEnd(): void {
    this.reconciler.wake()
  }

  private async storeOutcomes(sql: Sql, ended: readonly EndedCommand[]): Promise<void> {
    for (const { id, ending, at } of ended)
      await this.instances.end(sql, id, toStepOutcome(ending, at), Math.random())
  }
}
