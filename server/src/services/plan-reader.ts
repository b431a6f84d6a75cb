import { Injectable } from '@nestjs/common'
import { type ReadKey, readServices } from '@rollcall/compose'
import type { NewServicePlan, PlanFault } from '@rollcall/contracts/admin'
import type { Sql } from '../platform/prisma/transaction.ts'
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
  /** The answers of registries about its images. */
  asked: AskedImages
  /** Things to know of its images that are no faults. */
  notes: readonly string[]
}

/** Returns the secrets that services of a project may use; null for all. */
export type FindUsableSecrets = (project: string) => Promise<ReadonlySet<string> | null>

const NOTHING_ASKED = { asked: {}, notes: [] }

type Request = Pick<NewServicePlan, 'text' | 'variables' | 'files' | 'project'>

/** Reads the file of a plan, and finds the images and secrets that it names. */
@Injectable()
export class PlanReader {
  constructor(
    private readonly images: PlanImages,
    private readonly secrets: SecretsService,
  ) {}

  /**
   * Reads a request. Secrets that are not `usable` are as ones that do not exist. In a transaction, no secret or image that it
   * needs is removed before that ends.
   */
  async read(
    { text, variables, files, project }: Request,
    usable: FindUsableSecrets,
    questions: ImageQuestions,
    sql?: Sql,
  ): Promise<ReadPlan> {
    const beside = new Map(files.map((file) => [file.path, file.text]))
    const { spec, faults, keys } = readServices(text, variables, { readFile: (path) => beside.get(path) })
    if (!spec) return { project: project ?? '', wanted: [], faults, keys, ...NOTHING_ASKED }
    const name = project ?? spec.project
    if (name === null) return { project: '', wanted: [], faults: projectFaults(keys), keys, ...NOTHING_ASKED }
    const definitions = toDefinitions(spec, name)
    const playbooks = playbookFaults(definitions, keys)
    const { images, missing, asked, notes } = await this.images.find(name, definitions, questions, sql)
    const { versions, faults: secrets } = await this.findSecrets(definitions, keys, await usable(name), sql)
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
      faults: [...playbooks, ...imageFaults(missing, keys), ...secrets],
      keys,
      asked,
      notes,
    }
  }

  private async findSecrets(
    definitions: readonly ServiceDefinition[],
    keys: readonly ReadKey[],
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
      ...secretFaults(definitions, new Set(versions.keys()), usable !== null, keys),
      ...unfitSecretFaults(definitions, unfit, keys),
    ]
    return { versions, faults }
  }
}
