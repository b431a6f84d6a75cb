import { Module } from '@nestjs/common'
import { ProvisioningModule } from '../provisioning/index.ts'
import { Reinstaller } from './reinstaller.ts'
import { ReinstallsRepository } from './reinstalls.repository.ts'

@Module({
  imports: [ProvisioningModule],
  providers: [ReinstallsRepository, Reinstaller],
  exports: [Reinstaller],
})
export class ReinstallsModule {}
