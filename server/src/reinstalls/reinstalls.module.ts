import { Module } from '@nestjs/common'
import { ProvisioningModule } from '../provisioning/index.ts'
import { ReinstallReconciler } from './reinstall.reconciler.ts'
import { ReinstallsRepository } from './reinstalls.repository.ts'

@Module({
  imports: [ProvisioningModule],
  providers: [ReinstallsRepository, ReinstallReconciler],
})
export class ReinstallsModule {}
