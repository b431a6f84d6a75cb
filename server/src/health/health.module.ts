import { Module } from '@nestjs/common'
import { ArtifactsModule } from '../artifacts/index.ts'
import { AnsibleAgeReconciler } from './ansible-age.reconciler.ts'
import { HealthController } from './health.controller.ts'
import { PlatformMetrics } from './platform-metrics.ts'

@Module({
  imports: [ArtifactsModule],
  controllers: [HealthController],
  providers: [AnsibleAgeReconciler, PlatformMetrics],
})
export class HealthModule {}
