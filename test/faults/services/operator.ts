import { ApiError } from '@rollcall/contracts/client'
import type { Api } from '../../fleet/api.ts'
import { insist } from '../strike.ts'
import { type DesiredService, toReference, toServiceFile } from './desired-fleet.ts'
import { isApplying, type Operation, withOperation } from './operations.ts'

/** Does to services what a person would, through a server that may be down for the moment. */
export class Operator {
  /** The services as they are to be by now. */
  desired: readonly DesiredService[]
  readonly #api: Api

  constructor(api: Api, desired: readonly DesiredService[]) {
    this.#api = api
    this.desired = desired
  }

  /** Carries an operation out, asking until the server has taken it. Throws where it refuses for too long. */
  async carryOut(operation: Operation): Promise<void> {
    this.desired = withOperation(this.desired, operation)
    if (operation.do === 'renew') await this.operate(operation, 'remove')
    if (isApplying(operation)) await this.apply(operation.project)
    else await this.operate(operation, operation.do)
  }

  /** Applies the file of a project once there is room for all of it: hosts say what they have with their first heartbeats. */
  async applyFirst(project: string): Promise<void> {
    await insist(async () => {
      const { services } = await this.#plan(project)
      const unplaced = services.flatMap(({ placements }) => placements).find(({ host }) => host === null)
      if (unplaced) throw new Error(`${project} has no room: ${unplaced.reason}`)
    })
    await this.apply(project)
  }

  /**
   * Plans and applies the file of a project, again where the fleet has changed in between. Slots without a host are placed by the server
   * later: hosts that share the processors of one machine are degraded while that is busy.
   */
  async apply(project: string): Promise<void> {
    await insist(async () => {
      const { id } = await this.#plan(project)
      await this.#api.call('applyServicePlan', { params: { id } })
    })
  }

  async #plan(project: string) {
    const text = toServiceFile(project, this.desired)
    const { plan, faults } = await this.#api.call('planServices', { body: { text } })
    if (!plan) throw new Error(`${project} cannot be planned: ${JSON.stringify(faults)}`)
    return plan
  }

  async operate(
    service: Pick<DesiredService, 'project' | 'name'>,
    action: 'stop' | 'start' | 'restart' | 'remove',
  ): Promise<void> {
    const operationId = crypto.randomUUID()
    const request = { params: { service: toReference(service) }, body: { operationId, action } }
    await insist(() =>
      this.#api.call('operateService', request).catch((error) => {
        // The answer of an earlier request was lost.
        if (action === 'remove' && error instanceof ApiError && error.code === 'service.not_found') return
        throw error
      }),
    )
  }
}
