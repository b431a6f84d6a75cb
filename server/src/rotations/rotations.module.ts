import { Module } from '@nestjs/common'
import { AgentsModule } from '../agents/index.ts'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { IdentitiesModule } from '../identities/index.ts'
import { RunsModule } from '../runs/index.ts'
import { OutdatedCredentialsReconciler } from './outdated-credentials.reconciler.ts'
import { RotationReconciler } from './rotation.reconciler.ts'
import { RotationsController } from './rotations.controller.ts'
import { RotationsRepository } from './rotations.repository.ts'
import { RotationsService } from './rotations.service.ts'

@Module({
  imports: [AgentsModule, HeartbeatsModule, IdentitiesModule, RunsModule],
  controllers: [RotationsController],
  providers: [RotationsRepository, RotationsService, RotationReconciler, OutdatedCredentialsReconciler],
})
export class RotationsModule {}
