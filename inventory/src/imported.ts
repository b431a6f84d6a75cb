import { LABEL_KEY, newHost } from '@rollcall/contracts/admin'

/**
 * Why a host is not taken as it stands:
 * - `jump_host`: it is reached through another host. `proxy_command`: through a program.
 * - `not_ssh`: its connection is another. `windows`: it is no Linux host. `local`: it is the machine that runs Ansible.
 * - `template`: a value is a template, which only Ansible can fill in. `vault`: a value is encrypted.
 * - `match`: a Match block can only be decided by ssh itself. `canonical`: its name is changed by ssh's own rules.
 * - `become`: rights are gained by another way than sudo to root.
 * - `port`: its port is no port. `address`, `name`, `user`: what it has cannot be one.
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
  /** The value that is meant, such as the jump host's name. Never a secret. */
  detail: string
}

/** A host as it stands elsewhere. */
export interface ImportedHost {
  name: string
  address: string
  port: number
  /** The user to sign in as; undefined where none is said. */
  user: string | undefined
  /** Groups, as labels without a value; those above a host's group too. */
  labels: Record<string, string>
  /** Files of the machine where this was written, which hold what the host is signed in to with. */
  keyFile: string | undefined
  certificateFile: string | undefined
  /** Empty for a host that can be taken as it stands. */
  problems: Problem[]
  notes: NoteCode[]
}

/** A place that says nothing that could be read as a host. `line` counts from 1; 0 is the text as a whole. */
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

/** Longer texts are refused: reading one must not hold up who reads it. */
export const MAX_TEXT_BYTES = 4 * 1024 * 1024
/** Ranges and groups can name more hosts than anybody has. */
export const MAX_HOSTS = 20_000
/** Tests whether a group's name can be a label. `all` and `ungrouped` hold for every host, and say nothing. */
export const isLabel = (group: string): boolean =>
  LABEL_KEY.test(group) && group !== 'all' && group !== 'ungrouped'

const BOUNDED = ['name', 'address', 'port', 'user'] as const

/** Returns what of a host's own values cannot be, by the contract's own bounds: told before anything is sent. */
export function problemsOfValues(host: Pick<ImportedHost, (typeof BOUNDED)[number]>): Problem[] {
  return BOUNDED.filter((code) => !newHost.shape[code].safeParse(host[code]).success).map((code) => ({
    code,
    detail: String(host[code]),
  }))
}
