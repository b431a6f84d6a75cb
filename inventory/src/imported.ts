import { LABEL_KEY, newHost } from '@rollcall/contracts/admin'

/**
 * Why a host cannot be imported:
 * - `jump_host`: it is reached through another host. `proxy_command`: through a program.
 * - `not_ssh`: it is not reached over SSH. `windows`: it is a Windows host. `local`: it is the machine that runs Ansible.
 * - `template`: a value is a template, which only Ansible can resolve. `vault`: a value is encrypted.
 * - `match`: a Match block can only be evaluated by ssh. `canonical`: ssh canonicalises its name.
 * - `become`: it does not become root with sudo.
 * - `port`, `address`, `name`, `user`: its value is invalid.
 */
export const PROBLEMS = [
  'jump_host',
  'proxy_command',
  'not_ssh',
  'windows',
  'local',
  'template',
  'vault',
  'match',
  'canonical',
  'become',
  'port',
  'address',
  'name',
  'user',
] as const
export type ProblemCode = (typeof PROBLEMS)[number]

/** Notes on a host that is imported: it names a key file, or a password, which is not imported. */
export type NoteCode = 'key_file' | 'password'

export interface Problem {
  code: ProblemCode
  /** The value in question, such as the jump host's name. Never a secret. */
  detail: string
}

/** A host as the file describes it. */
export interface ImportedHost {
  name: string
  address: string
  port: number
  /** The user to sign in as; undefined if none is given. */
  user: string | undefined
  /** Groups, including parent groups, as labels without a value. */
  labels: Record<string, string>
  /** Credential files, on the machine where the file was written. */
  keyFile: string | undefined
  certificateFile: string | undefined
  /** Empty for a host that can be imported. */
  problems: Problem[]
  notes: NoteCode[]
}

/** A line that could not be parsed. `line` counts from 1; 0 is the whole text. */
export interface Unread {
  line: number
  text: string
  reason: string
}

export type Format = 'ini' | 'yaml' | 'ssh'

export interface Imported {
  format: Format
  hosts: ImportedHost[]
  unread: Unread[]
}

/** Longer texts are refused: parsing must not block for long. */
export const MAX_TEXT_BYTES = 4 * 1024 * 1024
/** Bounds memory: ranges can name any number of hosts. */
export const MAX_HOSTS = 20_000
/** Tests whether a group's name can be a label. `all` and `ungrouped` hold for every host, and say nothing. */
export const isLabel = (group: string): boolean =>
  LABEL_KEY.test(group) && group !== 'all' && group !== 'ungrouped'

const BOUNDED = ['name', 'address', 'port', 'user'] as const

/** Returns the problems of a host's values by the contract's bounds, so that they are reported before anything is sent. */
export function problemsOfValues(host: Pick<ImportedHost, (typeof BOUNDED)[number]>): Problem[] {
  return BOUNDED.filter((code) => !newHost.shape[code].safeParse(host[code]).success).map((code) => ({
    code,
    detail: String(host[code]),
  }))
}
