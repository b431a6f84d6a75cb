export { AccessModule } from './access.module.ts'
export { AccessService } from './access.service.ts'
export { ApiKeysService } from './api-keys.service.ts'
export {
  type HostScope,
  intersectScopes,
  isCollectionFor,
  isInScope,
  scopeFrom,
  scopeParameter,
  WHOLE_FLEET,
} from './domain/host-scope.ts'
export { type Bound, isTargeted, isTargetWithin, narrowTarget } from './domain/target-reach.ts'
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
  type RefusedRequest,
  refuseLabelsOutside,
  refuseWithoutRunPermission,
  requireRunner,
  toPrincipalRef,
  toRef,
} from './principal.ts'
export { RightsWatch } from './rights-watch.reconciler.ts'
export { ScopeRepository } from './scope.repository.ts'
export { readSessionCookie } from './session-cookie.ts'
export { UsersRepository } from './users.repository.ts'
