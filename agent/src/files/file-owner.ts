import { execFileSync } from 'node:child_process'
import { RollcallError } from '@rollcall/contracts'
import { workerEnvironment } from '../runner/child-environment.ts'

/** Numbers for chown(2); null where the text names none. */
export interface Owner {
  uid: number | null
  gid: number | null
}

const LOOK_UP_MS = 10_000

/**
 * The numbers of `user`, `user:group` or `:group`. A user alone brings the group of its account along. Names are looked up as the host
 * does it, by getent(1), so accounts out of a directory count too.
 * @throws RollcallError `file.owner_unknown`
 */
export function resolveOwner(text: string): Owner {
  const [user = '', group] = text.split(':')
  const account = user === '' ? null : passwd(user)
  return {
    uid: account?.uid ?? null,
    gid: group === undefined ? (account?.gid ?? null) : toNumber('group', group),
  }
}

function passwd(user: string): Owner {
  const fields = getent('passwd', user)
  if (fields !== null) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  if (/^\d+$/.test(user)) return { uid: Number(user), gid: null }
  throw unknown('user', user)
}

function toNumber(database: 'group', name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const fields = getent(database, name)
  if (fields === null) throw unknown('group', name)
  return Number(fields[2])
}

/** Null where there is no such entry, which getent says by exiting with 2. */
function getent(database: string, key: string): string[] | null {
  try {
    const options = {
      env: workerEnvironment(),
      timeout: LOOK_UP_MS,
      stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'],
    }
    return execFileSync('getent', [database, key], options).toString('utf8').trim().split(':')
  } catch (error) {
    if ((error as { status?: number }).status === 2) return null
    throw new RollcallError(
      'file.owner_unknown',
      `The host could not look up ${database} ${key}: getent does not answer.`,
      { cause: error },
    )
  }
}

const unknown = (what: string, name: string) =>
  new RollcallError(
    'file.owner_unknown',
    `There is no ${what} ${name} on this host. Make it first, or choose another owner.`,
  )
