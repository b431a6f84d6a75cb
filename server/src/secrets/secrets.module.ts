import { Module } from '@nestjs/common'
import { SecretUses } from './secret-uses.ts'
import { SecretsController } from './secrets.controller.ts'
import { SecretsRepository } from './secrets.repository.ts'
import { SecretsService } from './secrets.service.ts'

@Module({
  controllers: [SecretsController],
  providers: [SecretsRepository, SecretUses, SecretsService],
  exports: [SecretsService, SecretUses],
})
export class SecretsModule {}
