import { Injectable } from '@nestjs/common'
import { type FindKey, type ReadKey, readServices } from '@rollcall/compose'
import type { NewServicePlan, PlanFault } from '@rollcall/contracts/admin'
import type { HostScope } from '../access/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { ManagedPlaybooks } from '../playbooks/index.ts'
import { SecretsService } from '../secrets/index.ts'
import type { AskedImages } from './domain/plan/image-choice.ts'
import {
  imageFaults,
  playbookFaults,
  projectFaults,
  secretFaults,
  unfitSecretFaults,
} from './domain/plan/plan-faults.ts'
import { secretNamesOf, toDefinitions } from './domain/plan/wanted-services.ts'
import {
  type ContainerImage,
  type ResolvedService,
  type ServiceDefinition,
  toContainers,
  toImageRef,
} from './domain/service.ts'
import { type ImageQuestions, PlanImages, toImageKey } from './plan-images.ts'

/** A file with all that it names, or every fault that was found. */
export interface ReadPlan {
  project: string
  wanted: readonly ResolvedService[]
  faults: readonly PlanFault[]
  keys: readonly ReadKey[]
  findKey: FindKey
  /** The answers of registries about its images. */
  asked: AskedImages
  /** Things to know of its images that are no faults. */
  notes: readonly string[]
}

/** The hosts, playbooks and secrets that whoever plans may use. */
export interface PlanReach {
  scope: HostScope
  /** Returns the secrets that services of a project may use; null for all. */
  findUsableSecrets: (project: string) => Promise<ReadonlySet<string> | null>
}

const NOTHING_ASKED = { asked: {}, notes: [] }

type Request = Pick<NewServicePlan, 'text' | 'variables' | 'files' | 'project'>

/** Reads the file of a plan, and finds the images, secrets and playbooks that it names. */
@Injectable()
export class PlanReader {
  constructor(
    private readonly images: PlanImages,
    private readonly secrets: SecretsService,
    private readonly playbooks: ManagedPlaybooks,
  ) {}

  /**
   * Reads a request. Secrets and playbooks beyond `reach` are as ones that do not exist. In a transaction, no secret, image or playbook
   * that it needs is removed before that ends.
   */
  async read(
    { text, variables, files, project }: Request,
    reach: PlanReach,
    questions: ImageQuestions,
    sql?: Sql,
  ): Promise<ReadPlan> {
    const beside = new Map(files.map((file) => [file.path, file.text]))
    const { spec, faults, ...places } = readServices(text, variables, {
      readFile: (path) => beside.get(path),
    })
    const { findKey } = places
    if (!spec) return { project: project ?? '', wanted: [], faults, ...places, ...NOTHING_ASKED }
    const name = project ?? spec.project
    if (name === null)
      return { project: '', wanted: [], faults: projectFaults(findKey), ...places, ...NOTHING_ASKED }
    const { definitions, faults: playbooks } = await this.findPlaybooks(
      toDefinitions(spec, name),
      findKey,
      reach,
      sql,
    )
    const { images, missing, asked, notes } = await this.images.find(name, definitions, questions, sql)
    const usable = await reach.findUsableSecrets(name)
    const { versions, faults: secrets } = await this.findSecrets(definitions, findKey, usable, sql)
    const wanted = definitions.map((definition) => ({
      definition,
      images: toContainers(definition.group).flatMap(({ name, container }): ContainerImage[] => {
        const image = images.get(toImageKey(definition, toImageRef(container.image)))
        return image ? [{ container: name, ...image }] : []
      }),
      secrets: Object.fromEntries(
        secretNamesOf(definition).flatMap((secret) => {
          const version = versions.get(secret)
          return version ? [[secret, { version: version.version, digest: version.digest }]] : []
        }),
      ),
    }))
    return {
      project: name,
      wanted,
      faults: [...playbooks, ...imageFaults(missing, findKey), ...secrets],
      ...places,
      asked,
      notes,
    }
  }

  /** Adds to services that playbooks make what their runs need. */
  private async findPlaybooks(
    all: readonly ServiceDefinition[],
    findKey: FindKey,
    { scope }: PlanReach,
    sql?: Sql,
  ): Promise<{ definitions: ServiceDefinition[]; faults: PlanFault[] }> {
    const definitions: ServiceDefinition[] = []
    const faults: PlanFault[] = []
    for (const definition of all) {
      const [service] = definition.group.services
      if (service?.runs.kind !== 'playbook') {
        definitions.push(definition)
        continue
      }
      const { name, variables } = service.runs.playbook
      const found = await this.playbooks.find(name, variables, scope, sql)
      if ('playbook' in found) definitions.push({ ...definition, playbook: found.playbook })
      else faults.push(...playbookFaults(service.name, name, found.faults, findKey))
    }
    return { definitions, faults }
  }

  private async findSecrets(
    definitions: readonly ServiceDefinition[],
    findKey: FindKey,
    usable: ReadonlySet<string> | null,
    sql?: Sql,
  ) {
    const named = [...new Set(definitions.flatMap(secretNamesOf))]
    const names = usable === null ? named : named.filter((name) => usable.has(name))
    const versions = await this.secrets.versions(names, sql)
    const unfit = new Set(
      [...versions].filter(([, { fitsEnvironment }]) => !fitsEnvironment).map(([name]) => name),
    )
    const faults = [
      ...secretFaults(definitions, new Set(versions.keys()), usable !== null, findKey),
      ...unfitSecretFaults(definitions, unfit, findKey),
    ]
    return { versions, faults }
  }
}
