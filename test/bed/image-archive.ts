import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from './host.ts'

const SCRIPT = new URL('./image_archive.py', import.meta.url)

export interface ImageContent {
  /** The name and tag, as in a service file. */
  name: string
  /** Programs and files of the host that it has, by their paths. */
  programs: readonly string[]
  /** The command that a container runs if none is given. */
  command: readonly string[]
}

/** Makes an image from programs of a host, without a registry. Returns the path of the archive on this machine. */
export async function makeImageArchive(
  host: Host,
  { name, programs, command }: ImageContent,
): Promise<string> {
  const archive = `/var/tmp/${name.replaceAll(/[^a-z0-9]/g, '-')}.tar`
  const input = await readFile(SCRIPT, 'utf8')
  await host.output(['python3', '-I', '-', name, archive, JSON.stringify(command), ...programs], { input })
  return join(host.root, archive)
}
