import { Module } from '@nestjs/common'
import { ArtifactsModule } from '../artifacts/index.ts'
import { AnsibleAge } from './ansible-age.ts'
import { HealthController } from './health.controller.ts'
import { PlatformMetrics } from './platform-metrics.ts'

@Module({
  imports: [ArtifactsModule],
  controllers: [HealthController],
  providers: [AnsibleAge, PlatformMetrics],
})
export class HealthModule {}
