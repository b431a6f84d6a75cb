import { NO_UUID } from '@rollcall/contracts'

/** Becomes part of paths and units. */
export const VOLUME_NAME = {
  pattern: new RegExp(`^${NO_UUID}(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`),
  form: 'letters, digits, dots, dashes and underscores, a letter or a digit first, and no UUID',
}
export const VARIABLE_NAME = {
  pattern: /^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/,
  form: 'letters, digits, dots, dashes and underscores, a letter or an underscore first',
}
export const LABEL_NAME = {
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._/\-[\]$:@]{0,254}$/,
  form: 'letters, digits, dots, dashes, slashes and underscores',
}
export const HOST_NAME = {
  pattern: /^(?!.*\.\.)[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?$/,
  form: 'a host name such as db.example.org',
}
export const USER = {
  pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/,
  form: 'a user, or user:group, by name or number',
}
export const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/
/** Roughly: who listens on it says the rest. */
export const IPV6 = /^(?=.*:.*:)[0-9A-Fa-f:.]{2,45}$/

export const ADDRESS = new RegExp(`${IPV4.source}|${IPV6.source}`)

/** Finds what makes a path unfit for podman's options, which colons and commas separate: absolute, without steps upward. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'is not an absolute path'
  if (/[\p{Cc}:,]/u.test(path)) return 'has a colon, a comma or a control character in its path'
  if (path.split('/').includes('..')) return 'has ".." in its path'
  return path.length > 4096 ? 'is longer than 4096 characters' : undefined
}
