import { RollcallError } from '@rollcall/contracts'
import { may, type Principal } from '../access/index.ts'
import type { ServicesPlan } from './domain/plan/planned.ts'
import { toServiceName } from './domain/service.ts'

/** The caller that plans services, or applies a plan. */
export type PlanActor = Pick<Principal, 'id' | 'userId' | 'name' | 'scope' | 'scopeText' | 'permissions'>

/** Refuses a plan by which a playbook would run to whoever may run none: a playbook is root on its hosts. Throws `request.forbidden`. */
export function refusePlaybooks({ project, services }: ServicesPlan, actor: PlanActor): void {
  const made = services.find(
    ({ action, wanted }) => (action === 'new' || action === 'changed') && wanted?.definition.playbook,
  )
  if (!made || may(actor, 'playbooks:run')) return
  throw new RollcallError(
    'request.forbidden',
    `${toServiceName(project, made.name)} is made by a playbook, which is root on its hosts. Whoever plans or applies it needs the permission playbooks:run as well.`,
  )
}
