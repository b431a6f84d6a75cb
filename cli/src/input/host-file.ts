import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Format, Imported, ImportedHost, IncludedFile } from '@rollcall/inventory'
import { toText } from '../api/http.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

export const HOST_FILE_FORMATS = ['ini', 'yaml', 'ssh'] as const satisfies readonly Format[]

/** Files that one Include may name. */
const MAX_INCLUDED = 1000

/** Reads a file that lists hosts, `-` for standard input. Throws `CliError` where it cannot be read. */
export async function readHostFile(
  { stdin }: Context,
  file: string,
  format: Format | undefined,
): Promise<Imported> {
  const { readHosts } = await import('@rollcall/inventory')
  const text =
    file === '-'
      ? await toText(stdin)
      : await readFile(file, 'utf8').catch((cause) => {
          throw new CliError(`Cannot read ${file}: ${(cause as Error).message}.`, { cause })
        })
  const imported = readHosts(text, {
    include: includedFiles,
    localUser: userInfo().username,
    format,
  })
  // ssh takes relative names from its own folder, Ansible from the inventory's.
  const base = imported.format === 'ssh' || file === '-' ? process.cwd() : dirname(resolve(file))
  return { ...imported, hosts: imported.hosts.map((host) => withPaths(host, base)) }
}

const withPaths = (host: ImportedHost, base: string): ImportedHost => ({
  ...host,
  keyFile: toPath(host.keyFile, base),
  certificateFile: toPath(host.certificateFile, base),
})

const toPath = (path: string | undefined, base: string): string | undefined =>
  path === undefined ? undefined : resolve(base, path.replace(/^(~|%d)(?=\/|$)/, homedir()))

/** The files that an Include names, in the order in which ssh reads them: relative ones below ~/.ssh. A file that cannot be read is left out, as ssh does. */
function includedFiles(pattern: string): IncludedFile[] {
  const path = resolve(join(homedir(), '.ssh'), pattern.replace(/^~(?=\/)/, homedir()))
  return expand(path)
    .slice(0, MAX_INCLUDED)
    .flatMap((name) => {
      try {
        return [{ name, text: readFileSync(name, 'utf8') }]
      } catch {
        // Not there, or not ours to read: ssh goes on without it.
        return []
      }
    })
}

/** Paths that fit a pattern with `*` and `?` in any of its parts. */
function expand(pattern: string): string[] {
  const [, ...parts] = pattern.split('/')
  return parts.reduce<string[]>(
    (places, part) =>
      /[*?[]/.test(part)
        ? places
            .flatMap((place) =>
              namesIn(place)
                .filter(fits(part))
                .map((name) => `${place}/${name}`),
            )
            .slice(0, MAX_INCLUDED)
        : places.map((place) => `${place}/${part}`),
    [''],
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder === '' ? '/' : folder).sort()
  } catch {
    return []
  }
}

/** As glob(3): a leading dot is only found by a dot. */
function fits(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^')
  const expression = new RegExp(`^${source}$`)
  return (name) => expression.test(name) && (pattern.startsWith('.') || !name.startsWith('.'))
}
