import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { PlaybookView } from '@rollcall/contracts/admin'
import { type HostScope, isCollectionFor } from '../access/index.ts'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'
import { memoizeAsync } from '../platform/memoize-async.ts'
import type { Sql } from '../platform/prisma/transaction.ts'
import { CollectionsRepository } from './collections.repository.ts'
import { readPlaybooks } from './playbook-reader.ts'

/** The playbooks that the server itself runs, to install and upgrade the agent. */
const OWN_USE = /_agent\.ya?ml$/

/** The playbooks that come with the server, which do not change while it runs, and those that users have added. */
@Injectable()
export class Catalogue {
  private readonly shipped = memoizeAsync(readShipped)

  constructor(
    @Inject(CollectionsRepository) private readonly collections: Pick<CollectionsRepository, 'list' | 'find'>,
  ) {}

  /** By name, those that come with the server first. */
  async list(scope: HostScope): Promise<PlaybookView[]> {
    const [shipped, collections] = await Promise.all([this.shipped(), this.collections.list()])
    const own = collections.filter((collection) => isCollectionFor(scope, collection))
    return [...shipped, ...own.flatMap(({ playbooks }) => playbooks)]
  }

  /**
   * Finds a playbook; in a transaction, its collection stays as it is until that ends. Throws `playbook.not_found`, for one of a collection
   * that is not for somebody's hosts too.
   */
  async find(name: string, scope: HostScope, transaction?: Sql): Promise<PlaybookView> {
    const collection = /^(.+)\//.exec(name)?.[1]
    const among =
      collection === undefined
        ? await this.shipped()
        : await this.ofCollection(collection, scope, transaction)
    const found = among.find((playbook) => playbook.name === name)
    if (found) return found
    const names = (await this.list(scope)).map((playbook) => playbook.name)
    throw new RollcallError(
      'playbook.not_found',
      `There is no playbook called ${name}. There are: ${names.slice(0, 50).join(', ')}.`,
      { fields: [{ field: 'playbook', message: 'is not known' }] },
    )
  }

  private async ofCollection(name: string, scope: HostScope, transaction?: Sql): Promise<PlaybookView[]> {
    const collection = await this.collections.find(name, transaction)
    return collection && isCollectionFor(scope, collection) ? collection.playbooks : []
  }
}

async function readShipped(): Promise<PlaybookView[]> {
  const entries = await readdir(PLAYBOOKS_FOLDER, { withFileTypes: true, recursive: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yml'))
    .map((entry) => relative(PLAYBOOKS_FOLDER, join(entry.parentPath, entry.name)))
    .filter((path) => !OWN_USE.test(path))
  const texts = await Promise.all(paths.map((path) => readFile(join(PLAYBOOKS_FOLDER, path), 'utf8')))
  const { playbooks, faults } = await readPlaybooks(
    new Map(paths.map((path, at) => [path, texts[at] as string])),
  )
  const [fault] = faults
  if (!fault) return playbooks.map((playbook) => ({ ...playbook, version: null }))
  const { file, line, message } = fault
  throw new RollcallError('playbook.unreadable', `${file}:${line} ${message}. Correct the file.`)
}
