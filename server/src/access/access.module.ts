import { Module } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { AccessGuard } from './access.guard.ts'
import { AccessService } from './access.service.ts'
import { AccountController } from './account.controller.ts'
import { AccountsService } from './accounts.service.ts'
import { ApiKeysController } from './api-keys.controller.ts'
import { ApiKeysRepository } from './api-keys.repository.ts'
import { ApiKeysService } from './api-keys.service.ts'
import { OidcClient } from './oidc/oidc-client.ts'
import { OneTimeLinksRepository } from './one-time-links.repository.ts'
import { OneTimeLinks } from './one-time-links.ts'
import { RightsWatch } from './rights-watch.reconciler.ts'
import { ScopeRepository } from './scope.repository.ts'
import { SessionController } from './session.controller.ts'
import { SessionsRepository } from './sessions.repository.ts'
import { SessionsService } from './sessions.service.ts'
import { SignInResponder } from './sign-in-responder.ts'
import { SsoController } from './sso.controller.ts'
import { SsoService } from './sso.service.ts'
import { UserIdentitiesRepository } from './user-identities.repository.ts'
import { UsersController } from './users.controller.ts'
import { UsersRepository } from './users.repository.ts'
import { UsersService } from './users.service.ts'

@Module({
  controllers: [SessionController, SsoController, AccountController, UsersController, ApiKeysController],
  providers: [
    AccessService,
    AccountsService,
    ApiKeysRepository,
    ApiKeysService,
    UserIdentitiesRepository,
    OidcClient,
    OneTimeLinks,
    OneTimeLinksRepository,
    RightsWatch,
    ScopeRepository,
    SignInResponder,
    SessionsRepository,
    SessionsService,
    SsoService,
    UsersRepository,
    UsersService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AccessService, ApiKeysService, OneTimeLinks, RightsWatch, ScopeRepository, UsersRepository],
})
export class AccessModule {}
