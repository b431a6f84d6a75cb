import { Module } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { AccessGuard } from './access.guard.ts'
import { AccessService } from './access.service.ts'
import { AccountController } from './account.controller.ts'
import { AccountsService } from './accounts.service.ts'
import { ApiKeysController } from './api-keys.controller.ts'
import { ApiKeysService } from './api-keys.service.ts'
import { OneTimeLinks } from './one-time-links.ts'
import { ScopeRepository } from './scope.repository.ts'
import { SessionController } from './session.controller.ts'
import { SessionsService } from './sessions.service.ts'
import { UsersController } from './users.controller.ts'
import { UsersRepository } from './users.repository.ts'
import { UsersService } from './users.service.ts'

@Module({
  controllers: [SessionController, AccountController, UsersController, ApiKeysController],
  providers: [
    AccessService,
    AccountsService,
    ApiKeysService,
    OneTimeLinks,
    ScopeRepository,
    SessionsService,
    UsersRepository,
    UsersService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AccessService, ApiKeysService, OneTimeLinks, ScopeRepository, UsersRepository],
})
export class AccessModule {}
