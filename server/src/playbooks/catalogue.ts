import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { PlaybookView } from '@rollcall/contracts/admin'
import { parse } from 'yaml'
import { z } from 'zod'
import { PLAYBOOKS_FOLDER } from '../platform/artifacts/tools.ts'
import { readArgumentSpecs } from './domain/argument-specs.ts'

/** Those that install and upgrade the agent are run by the server itself. */
const OWN_USE = /_agent\.ya?ml$/

const role = z.string().regex(/^[a-z0-9_]+$/)
const playbook = z
  .array(z.looseObject({ name: z.string(), roles: z.array(z.union([role, z.looseObject({ role })])).min(1) }))
  .min(1)

/** The playbooks that come with the server. They do not change while it runs. */
@Injectable()
export class Catalogue {
  private views: Promise<Map<string, PlaybookView>> | null = null

  async list(): Promise<PlaybookView[]> {
    return [...(await this.load()).values()]
  }

  /** Throws `playbook.not_found`. */
  async find(name: string): Promise<PlaybookView> {
    const views = await this.load()
    const found = views.get(name)
    if (found) return found
    throw new RollcallError(
      'playbook.not_found',
      `There is no playbook called ${name}. There are: ${[...views.keys()].join(', ')}.`,
      { fields: [{ field: 'playbook', message: 'is not known' }] },
    )
  }

  private load(): Promise<Map<string, PlaybookView>> {
    if (this.views) return this.views
    const reading = this.readAll()
    this.views = reading
    reading.catch(() => {
      this.views = null
    })
    return reading
  }

  private async readAll(): Promise<Map<string, PlaybookView>> {
    const files = (await readdir(PLAYBOOKS_FOLDER)).filter(
      (file) => file.endsWith('.yml') && !OWN_USE.test(file),
    )
    const views = await Promise.all(files.sort().map((file) => this.read(file)))
    return new Map(views.map((view) => [view.name, view]))
  }

  private async read(file: string): Promise<PlaybookView> {
    const plays = await this.yaml(file, playbook)
    const roles = plays.flatMap((play) =>
      play.roles.map((each) => (typeof each === 'string' ? each : each.role)),
    )
    const specs = await Promise.all(roles.map((name) => this.specs(`roles/${name}/meta/argument_specs.yml`)))
    return {
      name: file.replace(/\.yml$/, ''),
      title: plays[0]?.name ?? file,
      description: specs.map(({ description }) => description).join(' '),
      variables: specs.flatMap(({ variables }) => variables),
    }
  }

  private async specs(file: string) {
    const document = await this.yaml(file, z.unknown())
    try {
      return readArgumentSpecs(document)
    } catch (error) {
      throw unreadable(file, error)
    }
  }

  private async yaml<T>(file: string, schema: z.ZodType<T>): Promise<T> {
    try {
      return schema.parse(parse(await readFile(join(PLAYBOOKS_FOLDER, file), 'utf8')))
    } catch (error) {
      throw unreadable(file, error)
    }
  }
}

const unreadable = (file: string, error: unknown) =>
  new RollcallError(
    'playbook.unreadable',
    `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}. Correct the file.`,
    { cause: error },
  )
