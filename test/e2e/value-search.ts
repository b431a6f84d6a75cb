import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Host } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { connectToEmbedded } from '../fleet/embedded-database.ts'
import type { ServerProcess } from '../fleet/server-process.ts'

const NOTHING_FOUND = 1

/** A value in each form in which somebody would read it. */
const formsOf = (value: string) =>
  [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')].map((form) =>
    form.replace(/=+$/, ''),
  )
const grepArgv = (value: string, folders: readonly string[]) => [
  '--recursive',
  '--binary-files=text',
  '--files-with-matches',
  '--no-messages',
  '--fixed-strings',
  ...formsOf(value).flatMap((form) => ['-e', form]),
  ...folders,
]

/** Returns the tables of a server's database with a row that shows `value`. */
async function tablesWith(server: ServerProcess, value: string): Promise<string[]> {
  const client = await connectToEmbedded(server.dataDir)
  try {
    const tables = await client.query<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    )
    const patterns = formsOf(value).map((form) => `%${form}%`)
    const found: string[] = []
    for (const { name } of tables.rows) {
      const sql = `SELECT 1 FROM ${pg.escapeIdentifier(name)} AS row WHERE row::text LIKE ANY($1) LIMIT 1`
      if ((await client.query(sql, [patterns])).rowCount) found.push(`table ${name}`)
    }
    return found
  } finally {
    await client.end()
  }
}

/** Returns the files below a server's data folder that hold `value`. */
async function serverFilesWith(server: ServerProcess, value: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('grep', grepArgv(value, [server.dataDir])).catch((error) => {
    if (error.code !== NOTHING_FOUND) throw error
    return { stdout: '' }
  })
  return stdout.split('\n').filter(Boolean)
}

/** Finds where a server shows a value: in its database, its files, its log, and the answers to `paths` of its API. */
export async function whereServerShows(
  value: string,
  { server, api, paths }: { server: ServerProcess; api: Api; paths: readonly string[] },
): Promise<string[]> {
  const found = [...(await tablesWith(server, value)), ...(await serverFilesWith(server, value))]
  const isShown = (text: string) => formsOf(value).some((form) => text.includes(form))
  if (isShown(server.lines.join('\n'))) found.push('log of the server')
  for (const path of paths) {
    const { status, body } = await api.request('GET', path)
    if (status !== 200) throw new Error(`${path} answers ${status}: ${JSON.stringify(body)}`)
    if (isShown(JSON.stringify(body))) found.push(`GET ${path}`)
  }
  return found
}

/** Finds where a host shows a value: in its files outside of containers, its journal and the arguments of its programs. */
export async function whereHostShows(value: string, host: Host): Promise<string[]> {
  const folders = ['/etc', '/opt', '/root', '/run', '/tmp', '/var']
  const files = await host.exec(['grep', ...grepArgv(value, folders)])
  const journal = await host.output(['journalctl', '--no-pager', '--output=export'])
  const argv = await host.output(['sh', '-c', 'cat /proc/[0-9]*/cmdline 2> /dev/null || true'])
  const isShown = (text: string) => formsOf(value).some((form) => text.includes(form))
  return [
    ...files.stdout.split('\n').filter(Boolean),
    ...(isShown(journal) ? ['journal'] : []),
    // The search itself has ended by then.
    ...(isShown(argv) ? ['arguments of programs'] : []),
  ]
}
