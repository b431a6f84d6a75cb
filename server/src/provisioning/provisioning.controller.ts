import { Controller } from '@nestjs/common'
import { Actor, GuardedHost, type NamedHost, type Principal } from '../access/index.ts'
import { toHostView } from '../hosts/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { HostChanges } from './host-changes.ts'
import { type Accepted, ProvisioningService } from './provisioning.service.ts'

/** Things left on a host that are named. */
const MAX_NAMED = 20

@Controller()
export class ProvisioningController {
  constructor(
    private readonly provisioning: ProvisioningService,
    private readonly changes: HostChanges,
  ) {}

  @Endpoint('addHost')
  async add(@Input() { body }: InputOf<'addHost'>, @Actor() actor: Principal) {
    return toAcceptedView(await this.provisioning.add(body, actor))
  }

  @Endpoint('changeHost')
  async change(
    @GuardedHost() { id }: NamedHost,
    @Input() { body }: InputOf<'changeHost'>,
    @Actor() actor: Principal,
  ) {
    const { host, ...rest } = await this.changes.change(id, body, actor)
    return { host: toHostView(host), ...rest }
  }

  @Endpoint('installHost')
  async install(
    @GuardedHost() { id }: NamedHost,
    @Input() { query }: InputOf<'installHost'>,
    @Actor() actor: Principal,
  ) {
    const onPurpose = { duplicate: query.allowDuplicate, takeOver: query.takeOver }
    return toAcceptedView(await this.provisioning.install(id, actor.name, onPurpose))
  }

  @Endpoint('removeHost')
  async remove(
    @GuardedHost() { id }: NamedHost,
    @Input() { query }: InputOf<'removeHost'>,
    @Actor() actor: Principal,
  ) {
    if (query.forget) {
      const left = await this.provisioning.tenantsOf(id)
      const host = await this.provisioning.forget(id)
      const running =
        left.length === 0 ? '' : ` What may still run there: ${left.slice(0, MAX_NAMED).join(', ')}.`
      return {
        commandId: null,
        message: `${host.name} was deleted without contacting it. If its agent is installed, it still is.${running}`,
      }
    }
    const { host, commandId } = await this.provisioning.remove(id, actor.name)
    return { commandId, message: `The agent is being uninstalled from ${host.name}.` }
  }

  @Endpoint('scanHostKey')
  scanHostKey(@Input() { body }: InputOf<'scanHostKey'>) {
    return this.provisioning.scanHostKey(body.address, body.port)
  }

  @Endpoint('checkHost')
  check(@Input() { body }: InputOf<'checkHost'>, @Actor() actor: Principal) {
    return this.provisioning.check(body, actor)
  }
}

const toAcceptedView = ({ host, commandId }: Accepted) => ({ host: toHostView(host), commandId })
