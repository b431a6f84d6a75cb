import { toImportedHost } from './ansible-host.ts'
import { readIni } from './ansible-ini.ts'
import { isYaml, readYaml } from './ansible-yaml.ts'
import { type Format, type Imported, MAX_TEXT_BYTES } from './imported.ts'
import { type IncludedFile, isSshConfig, readSshConfig } from './ssh-config.ts'

export * from './imported.ts'
export type { IncludedFile } from './ssh-config.ts'

export interface ReadOptions {
  /** The format; detected if left out. */
  format?: Format
  /** Returns the files that an Include of an OpenSSH config names, in order; undefined if they cannot be read. */
  include?: (pattern: string) => readonly IncludedFile[] | undefined
  /** The account that runs ssh, for `Match localuser`. */
  localUser?: string
}

/**
 * Reads an OpenSSH config, an Ansible inventory (INI or YAML), or a plain list of `[user@]address[:port] [name]`. Every host that is named is
 * in the result once, with what cannot be honoured beside it; every line that names none and should have is in `unread`.
 */
export function readHosts(text: string, options: ReadOptions = {}): Imported {
  const plain = text.replace(/^\uFEFF/, '')
  if (plain.length > MAX_TEXT_BYTES)
    return {
      format: options.format ?? 'ini',
      hosts: [],
      unread: [
        { line: 0, text: '', reason: `is longer than ${MAX_TEXT_BYTES / 1024 / 1024} MiB; add it in parts` },
      ],
    }
  const format = options.format ?? formatOf(plain)
  if (format === 'ssh') return { format, ...readSshConfig(plain, options) }
  const { tree, unread } = format === 'yaml' ? readYaml(plain) : readIni(plain)
  return { format, hosts: tree.resolve().map(toImportedHost), unread }
}

function formatOf(text: string): Format {
  if (isSshConfig(text)) return 'ssh'
  return isYaml(text) ? 'yaml' : 'ini'
}
