import { execFileSync } from 'node:child_process'
import { RollcallError } from '@rollcall/contracts'
import { helperEnvironment } from '../platform/helper-environment.ts'

/** Ids for chown(2); null leaves an id unchanged. */
export interface Owner {
  uid: number | null
  gid: number | null
}

const TIMEOUT_MS = 10_000

/**
 * Resolves `user`, `user:group` or `:group` by getent(1), so directory accounts count too; a user alone brings its primary group.
 * Throws `file.owner_unknown`.
 */
export function resolveOwner(text: string | null): Owner {
  if (text === null) return { uid: null, gid: null }
  const [user = '', group] = text.split(':')
  const account = user === '' ? null : toAccount(user)
  return {
    uid: account?.uid ?? null,
    gid: group === undefined ? (account?.gid ?? null) : toGroupId(group),
  }
}

function toAccount(user: string): Owner {
  const fields = getent('passwd', user)
  if (fields !== null) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  if (/^\d+$/.test(user)) return { uid: Number(user), gid: null }
  throw unknown('user', user)
}

function toGroupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const fields = getent('group', name)
  if (fields === null) throw unknown('group', name)
  return Number(fields[2])
}

/** Looks up an entry. Returns null if there is none, for which getent exits with 2. */
function getent(database: string, key: string): string[] | null {
  try {
    const options = {
      env: helperEnvironment(),
      timeout: TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'],
    }
    return execFileSync('getent', [database, key], options).toString('utf8').trim().split(':')
  } catch (error) {
    if ((error as { status?: number }).status === 2) return null
    throw new RollcallError(
      'file.owner_unknown',
      `The host could not look up ${database} ${key}: getent failed.`,
      { cause: error },
    )
  }
}

const unknown = (what: string, name: string) =>
  new RollcallError(
    'file.owner_unknown',
    `There is no ${what} ${name} on this host. Create it first, or choose another owner.`,
  )
