import { Injectable } from '@nestjs/common'
import type { ReadKey } from '@rollcall/compose'
import { RollcallError } from '@rollcall/contracts'
import type { PlanFault } from '@rollcall/contracts/admin'
import type { Principal } from '../access/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import type { ServiceRecord } from './domain/instance.ts'
import type { AskedImages } from './domain/plan/image-choice.ts'
import { architectureFaults, instanceFaults } from './domain/plan/plan-faults.ts'
import { planServices } from './domain/plan/plan-services.ts'
import { planSpares, type SparesByService } from './domain/plan/plan-spares.ts'
import type { ServicesPlan } from './domain/plan/planned.ts'
import { foreignVolumeFaults, sharedVolumeNotes, volumeNamesOf } from './domain/plan/shared-volumes.ts'
import type { PlanContent } from './domain/plan-record.ts'
import { type StoredService, toServiceName } from './domain/service.ts'
import { mayChangeWhole } from './domain/visibility.ts'
import { FleetView } from './fleet-view.ts'
import { runInSlices } from './in-slices.ts'
import { type PlanReach, PlanReader, type ReadPlan } from './plan-reader.ts'
import { ServicesRepository } from './services.repository.ts'
import { SparesRepository } from './spares.repository.ts'

/** A plan, or the faults that keep it from being made. */
export interface MadePlan {
  plan: ServicesPlan | null
  faults: readonly PlanFault[]
  keys: readonly ReadKey[]
  asked: AskedImages
  /** The hosts that keep the images of each service without an instance of it. */
  spares: SparesByService
}

const NO_SPARES: SparesByService = new Map()

type Scope = Pick<Principal, 'scope' | 'scopeText'>

/** Makes plans out of a request and what there is now. */
@Injectable()
export class PlanMaker {
  constructor(
    private readonly reader: PlanReader,
    private readonly services: ServicesRepository,
    private readonly fleet: FleetView,
    private readonly spares: SparesRepository,
  ) {}

  /** Makes a plan; `again` one that is applied, for which no registry is asked. Throws `service.outside_scope` if it would touch hosts beyond the scope, and `service.volume_not_found`. */
  async make(
    request: PlanContent['request'],
    scope: Scope,
    now: Date,
    again?: { sql: Sql; asked: AskedImages },
  ): Promise<MadePlan> {
    const sql = again?.sql
    const reach: PlanReach = {
      scope: scope.scope,
      findUsableSecrets: (project) => this.findUsableSecrets(project, scope, sql),
    }
    const questions = {
      asked: again?.asked ?? null,
      mayAsk: scope.scope === null,
      takesNewer: request.newerImages ?? false,
    }
    const read = await this.reader.read(request, reach, questions, sql)
    const { keys, asked } = read
    if (read.faults.length > 0) return { plan: null, faults: read.faults, keys, asked, spares: NO_SPARES }
    const images = read.wanted.flatMap((service) => service.images)
    const fleet = await this.fleet.read(scope.scope, images, now, sql)
    const definitions = read.wanted.map(({ definition }) => definition)
    const data = await this.services.volumeData(volumeNamesOf(definitions), sql)
    const faults = [
      ...foreignVolumeFaults(definitions, data, scope.scope !== null, read.findKey),
      ...architectureFaults(read.wanted, fleet, read.findKey),
      ...instanceFaults(read.wanted, fleet.length, read.findKey),
    ]
    if (faults.length > 0) return { plan: null, faults, keys, asked, spares: NO_SPARES }
    const stored = await this.findStored(read, scope, sql)
    const plan = await runInSlices(
      planServices({
        project: read.project,
        wanted: read.wanted,
        stored,
        volumes: await this.services.volumes(read.project, sql),
        fleet,
        isPruning: request.prune,
        removedVolumes: request.removedVolumes,
        now,
      }),
    )
    refuseUnknownVolumes(plan, request.removedVolumes)
    const notes = [...plan.notes, ...sharedVolumeNotes(definitions, data), ...read.notes]
    const current = await this.spares.ofProject(read.project, sql)
    const spares = await runInSlices(planSpares({ plan, fleet, current, now }))
    return { plan: { ...plan, notes }, faults: [], keys, asked, spares }
  }

  /** Returns the services of a project. What the plan would touch has to be within the scope; the rest is left out where it is not. */
  private async findStored(
    { project, wanted }: ReadPlan,
    scope: Scope,
    sql: Sql | undefined,
  ): Promise<StoredService[]> {
    const stored = await this.services.project(project, sql)
    const own = await this.findOwn(project, scope, sql)
    if (own === null) return stored
    const ids = new Set(own.map(({ id }) => id))
    const names = new Set(wanted.map(({ definition }) => definition.group.name))
    const foreign = stored.find(({ id, name }) => !ids.has(id) && names.has(name))
    if (foreign) throw outside(toServiceName(project, foreign.name))
    return stored.filter(({ id }) => ids.has(id))
  }

  /**
   * Returns the secrets that a scope may use: those of its own services, into which it can look anyway. Secrets belong to the whole fleet,
   * and a container shows them to whoever starts it.
   */
  private async findUsableSecrets(
    project: string,
    scope: Scope,
    sql: Sql | undefined,
  ): Promise<ReadonlySet<string> | null> {
    const own = await this.findOwn(project, scope, sql)
    return own && new Set(own.flatMap(({ secrets }) => Object.keys(secrets)))
  }

  /** Returns the services of a project that may be changed as a whole within a scope; null for the whole fleet. */
  private async findOwn(
    project: string,
    { scope, scopeText }: Scope,
    sql: Sql | undefined,
  ): Promise<ServiceRecord[] | null> {
    if (scope === null) return null
    const records = await this.services.list(project, null, sql)
    const instances = await this.services.instances(
      records.map(({ id }) => id),
      scope,
      sql,
    )
    const byService = Map.groupBy(instances, ({ serviceId }) => serviceId)
    return records.filter((service) => mayChangeWhole(service, byService.get(service.id) ?? [], scopeText))
  }
}

/** Says nothing of the hosts: only that the name is taken. */
const outside = (service: string) =>
  new RollcallError(
    'service.outside_scope',
    `The service ${service} has to do with hosts that you may not act on. Choose another project by --project, or ask an admin.`,
  )

function refuseUnknownVolumes({ services }: ServicesPlan, names: readonly string[]): void {
  const known = services.flatMap(({ action, removedVolumes, keptVolumes }) =>
    action === 'removed' ? [...removedVolumes, ...keptVolumes] : [],
  )
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const has =
    known.length === 0
      ? 'No service that would be removed has a volume.'
      : `Volumes there: ${known.slice(0, 20).join(', ')}.`
  throw new RollcallError(
    'service.volume_not_found',
    `There is no volume ${unknown} of a service that would be removed. ${has}`,
    { fields: [{ field: 'removedVolumes', message: `"${unknown}" is unknown` }] },
  )
}
