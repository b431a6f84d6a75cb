import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { RollcallError } from '@rollcall/contracts'
import type { Logger } from 'pino'

export interface Account {
  uid: number
  gid: number
}

const NAME = 'rollcall-db'

/**
 * Returns the account for PostgreSQL, which refuses to run as root: undefined for the server's own or, as root,
 * `rollcall-db`, created if missing.
 */
export async function databaseAccount(log: Logger): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const known = await find()
  if (known) return known
  log.info(`adding the system account ${NAME}: PostgreSQL refuses to run as root`)
  await promisify(execFile)('useradd', [
    '--system',
    '--no-create-home',
    '--home-dir=/nonexistent',
    '--shell=/usr/sbin/nologin',
    NAME,
  ])
  const made = await find()
  if (!made)
    throw new RollcallError(
      'server.config_invalid',
      `The account ${NAME} is missing after useradd. Start the server as an ordinary user, or set DATABASE_URL.`,
    )
  return made
}

async function find(): Promise<Account | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith(`${NAME}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}
