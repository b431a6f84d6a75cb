import { Module } from '@nestjs/common'
import { AnsibleAge } from './ansible-age.ts'
import { HealthController } from './health.controller.ts'
import { PlatformMetrics } from './platform-metrics.ts'

@Module({ controllers: [HealthController], providers: [AnsibleAge, PlatformMetrics] })
export class HealthModule {}
