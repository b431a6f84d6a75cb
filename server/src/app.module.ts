import { type DynamicModule, Module } from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import { AccessModule } from './access/index.ts'
import { AuditModule } from './audit/index.ts'
import { CommandsModule } from './commands/index.ts'
import { FilesModule } from './files/index.ts'
import { HealthModule } from './health/index.ts'
import { HeartbeatsModule } from './heartbeats/index.ts'
import { HostsModule } from './hosts/index.ts'
import { ImagesModule } from './images/index.ts'
import { LiveModule } from './live/index.ts'
import { ErrorFilter } from './platform/http/error.filter.ts'
import { type Platform, PlatformModule } from './platform/platform.module.ts'
import { PlaybooksModule } from './playbooks/index.ts'
import { ProvisioningModule } from './provisioning/index.ts'
import { ReinstallsModule } from './reinstalls/index.ts'
import { RotationsModule } from './rotations/index.ts'
import { RunsModule } from './runs/index.ts'
import { SavedCommandsModule } from './saved-commands/index.ts'
import { SchedulesModule } from './schedules/index.ts'
import { SecretsModule } from './secrets/index.ts'
import { InstancesModule, ServicesModule } from './services/index.ts'
import { TerminalsModule } from './terminals/index.ts'
import { ToolsModule } from './tools/index.ts'
import { TransfersModule } from './transfers/index.ts'
import { UpgradesModule } from './upgrades/index.ts'

@Module({})
export class AppModule {
  static of(platform: Platform): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.of(platform),
        AccessModule,
        AuditModule,
        HealthModule,
        HostsModule,
        CommandsModule,
        RunsModule,
        SavedCommandsModule,
        SchedulesModule,
        SecretsModule,
        ServicesModule,
        InstancesModule,
        TerminalsModule,
        FilesModule,
        ToolsModule,
        ImagesModule,
        TransfersModule,
        PlaybooksModule,
        ProvisioningModule,
        HeartbeatsModule,
        ReinstallsModule,
        RotationsModule,
        UpgradesModule,
        LiveModule,
      ],
      providers: [{ provide: APP_FILTER, useClass: ErrorFilter }],
    }
  }
}
