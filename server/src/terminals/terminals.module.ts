import { Module } from '@nestjs/common'
import { RunsModule } from '../runs/index.ts'
import { TerminalsController } from './terminals.controller.ts'
import { TerminalsService } from './terminals.service.ts'

@Module({ imports: [RunsModule], controllers: [TerminalsController], providers: [TerminalsService] })
export class TerminalsModule {}
