export { AccessModule } from './access.module.ts'
export { AccessService } from './access.service.ts'
export { ApiKeysService } from './api-keys.service.ts'
export {
  type HostScope,
  intersectScopes,
  isCollectionFor,
  isInScope,
  scopeParameter,
  WHOLE_FLEET,
} from './domain/host-scope.ts'
export { type Bound, isMeant, isTargetWithin, narrowTarget } from './domain/target-reach.ts'
export { notFound } from './not-found.ts'
export { OneTimeLinks } from './one-time-links.ts'
export {
  Actor,
  GuardedHost,
  GuardedHostIfNamed,
  type KnownRequest,
  may,
  type NamedHost,
  type Principal,
  type PrincipalRef,
  type Refused,
  refFrom,
  refuseLabelsOutside,
  refuseWithoutRun,
  runnerOf,
  toRef,
} from './principal.ts'
export { RightsWatch } from './rights-watch.reconciler.ts'
export { ScopeRepository } from './scope.repository.ts'
export { toCookie } from './session-cookie.ts'
export { UsersRepository } from './users.repository.ts'
