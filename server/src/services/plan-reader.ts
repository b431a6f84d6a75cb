import { Injectable } from '@nestjs/common'
import { type ReadKey, readServices } from '@rollcall/compose'
import { RollcallError } from '@rollcall/contracts'
import type { NewServicePlan, PlanFault } from '@rollcall/contracts/admin'
import { ImagesService } from '../images/index.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { SecretsService } from '../secrets/index.ts'
import {
  imageFaults,
  type MissingImage,
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

/** A file with all that it names, or every fault that was found. */
export interface ReadPlan {
  project: string
  wanted: readonly ResolvedService[]
  faults: readonly PlanFault[]
  keys: readonly ReadKey[]
}

/** Returns the secrets that services of a project may use; null for all. */
export type FindUsableSecrets = (project: string) => Promise<ReadonlySet<string> | null>

type Request = Pick<NewServicePlan, 'text' | 'variables' | 'files' | 'project'>

/** Reads the file of a plan, and finds the images and secrets that it names. */
@Injectable()
export class PlanReader {
  constructor(
    private readonly images: ImagesService,
    private readonly secrets: SecretsService,
  ) {}

  /**
   * Reads a request. Secrets that are not `usable` are as ones that do not exist. In a transaction, no secret or image that it
   * needs is removed before that ends.
   */
  async read(
    { text, variables, files, project }: Request,
    usable: FindUsableSecrets,
    sql?: Sql,
  ): Promise<ReadPlan> {
    const beside = new Map(files.map((file) => [file.path, file.text]))
    const { spec, faults, keys } = readServices(text, variables, { readFile: (path) => beside.get(path) })
    if (!spec) return { project: project ?? '', wanted: [], faults, keys }
    const name = project ?? spec.project
    if (name === null) return { project: '', wanted: [], faults: projectFaults(keys), keys }
    const definitions = toDefinitions(spec, name)
    const playbooks = playbookFaults(definitions, keys)
    const { images, missing } = await this.findImages(definitions, sql)
    const { versions, faults: secrets } = await this.findSecrets(definitions, keys, await usable(name), sql)
    const wanted = definitions.map((definition) => ({
      definition,
      images: toContainers(definition.group).flatMap(({ name, container }): ContainerImage[] => {
        const image = images.get(toKey(definition, toImageRef(container.image)))
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
    }
  }

  private async findImages(definitions: readonly ServiceDefinition[], sql?: Sql) {
    const images = new Map<string, Omit<ContainerImage, 'container'>>()
    const missing: MissingImage[] = []
    for (const definition of definitions)
      for (const { name, container } of toContainers(definition.group)) {
        const ref = toImageRef(container.image)
        const key = toKey(definition, ref)
        if (images.has(key)) continue
        const source = definition.group.pull === 'host' ? 'host' : 'layout'
        try {
          const { digest, variants } = await this.images.resolve(ref, sql)
          images.set(key, { ref, digest, source, variants: variants.map(toVariant) })
        } catch (error) {
          if (!(error instanceof RollcallError) || error.kind !== 'rejected') throw error
          if (source === 'host' && error.code === 'image.not_found')
            images.set(key, { ref, digest: container.image.digest, source, variants: [] })
          else missing.push({ service: name, ref, code: error.code, message: error.message })
        }
      }
    return { images, missing }
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

/** Hosts pull for one service what the server sends for another. */
const toKey = ({ group }: ServiceDefinition, ref: string): string => `${group.pull} ${ref}`

const toVariant = ({ architecture, digest, bytes }: ContainerImage['variants'][number]) => ({
  architecture,
  digest,
  bytes,
})
