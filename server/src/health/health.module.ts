import { Module } from '@nestjs/common'
import { HealthController } from './health.controller.ts'
import { PlatformMetrics } from './platform-metrics.ts'

@Module({ controllers: [HealthController], providers: [PlatformMetrics] })
export class HealthModule {}
