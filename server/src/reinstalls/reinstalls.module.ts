import { Module } from '@nestjs/common'
import { HeartbeatsModule } from '../heartbeats/index.ts'
import { ProvisioningModule } from '../provisioning/index.ts'
import { ReinstallReconciler } from './reinstall.reconciler.ts'

@Module({
  imports: [HeartbeatsModule, ProvisioningModule],
  providers: [ReinstallReconciler],
})
export class ReinstallsModule {}
