import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { CommandsModule } from '../commands/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { ProvisioningModule } from '../provisioning/index.ts'
import { RunsModule } from '../runs/index.ts'
import { SshTerminalHandler } from './ssh-terminal.handler.ts'
import { TerminalRights } from './terminal-rights.ts'
import { TerminalsController } from './terminals.controller.ts'
import { TerminalsService } from './terminals.service.ts'

@Module({
  imports: [AccessModule, CommandsModule, HostsModule, ProvisioningModule, RunsModule],
  controllers: [TerminalsController],
  providers: [TerminalRights, TerminalsService, SshTerminalHandler],
})
export class TerminalsModule {}
