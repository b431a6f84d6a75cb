import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { forEachOf } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'
import { type Copied, copyTree } from './copy-tree-from.ts'

/** Hosts that are copied from at the same time. */
const MAX_CONCURRENT_HOSTS = 10
/** Files of hosts may hold secrets. */
const MODE = 0o600

/**
 * Copies a file or a folder from hosts: from one to `destination`, or into it if that is a folder; from several into a folder for each.
 * Each file appears complete or not at all, and replaces one of the same name.
 */
export async function copyFrom(
  context: Context,
  from: { hosts: readonly string[]; path: string },
  destination: string,
  { recursive, json }: { recursive?: boolean; json?: boolean },
): Promise<void> {
  const there = await statIfThere(destination)
  const isFolder = destination.endsWith('/') || there?.isDirectory() === true
  const copyOne = recursive ? copyTree : copyFile
  const [only] = from.hosts
  if (only === undefined) throw new UsageError('Name the hosts to copy from: HOST[,HOST…]:/PATH.')
  const isOne = from.hosts.length === 1
  if (!isOne && !isFolder && there)
    throw new UsageError(`"${destination}" is not a folder; copies from several hosts need one.`)
  const toPlace = (host: string) => {
    if (!isOne) return join(destination, host, basename(from.path))
    return isFolder ? join(destination, basename(from.path)) : destination
  }
  const copied: Copied[] = []
  await forEachOf(from.hosts, MAX_CONCURRENT_HOSTS, async (host) => {
    copied.push(await copyOne(context, host, from.path, toPlace(host)))
  })
  const rows = from.hosts.flatMap((host) => copied.find((one) => one.host === host) ?? [])
  if (rows.some(({ state }) => state === 'failed')) context.exitCode = 1
  if (json) return void context.stdout.write(jsonDocument(rows))
  const counts = recursive ? ['FETCHED', 'UNCHANGED'] : []
  context.stdout.write(
    table(
      ['HOST', 'STATE', ...counts, 'BYTES', recursive ? 'FOLDER' : 'FILE', 'REASON'],
      rows.map(({ host, state, fetched, unchanged, bytes, file, reason }) => [
        host,
        state,
        ...(recursive ? [fetched, unchanged] : []),
        bytes,
        file,
        reason,
      ]),
    ),
  )
}

async function copyFile(context: Context, host: string, path: string, place: string): Promise<Copied> {
  const part = join(dirname(place), `.rollcall-${randomUUID()}.part`)
  try {
    const { body, size } = await context.api.open('readHostFile', { params: { host }, query: { path } })
    await mkdir(dirname(place), { recursive: true })
    await pipeline(body, createWriteStream(part, { flags: 'wx', mode: MODE }))
    const { size: bytes } = await stat(part)
    if (bytes !== size)
      throw new CliError(`The connection was lost after ${bytes} of ${size} bytes. Copy the file again.`)
    await rename(part, place)
    return { host, state: 'success', file: place, bytes, reason: null }
  } catch (error) {
    await rm(part, { force: true })
    return { host, state: 'failed', file: null, bytes: null, reason: (error as Error).message }
  }
}

const statIfThere = (path: string) => stat(path).catch(() => null)
