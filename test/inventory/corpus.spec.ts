import { execFile } from 'node:child_process'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Imported, type ImportedHost, readHosts } from '@rollcall/inventory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnpackedBundle } from '../provisioning/unpacked-bundle.ts'

const run = promisify(execFile)
const CORPUS = fileURLToPath(new URL('corpus', import.meta.url))
const LOCAL_USER = userInfo().username
const files = (ending: string) => readdirSync(CORPUS).filter((name) => name.endsWith(ending))
const toText = (name: string) => readFileSync(join(CORPUS, name), 'utf8').replaceAll('@DIR@', CORPUS)

let bundle: UnpackedBundle
let folder: string
beforeAll(async () => {
  bundle = await UnpackedBundle.open()
  folder = await mkdtemp(join(tmpdir(), 'rollcall-corpus-'))
})
afterAll(async () => {
  await bundle[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

interface Listing {
  groups: Record<string, { hosts?: string[]; children?: string[] }>
  variables: Record<string, Record<string, unknown>>
}

/** Returns the listing of `ansible-inventory --list`. */
async function listed(name: string): Promise<Listing> {
  const program = join(bundle.at('bundle'), 'ansible/cli/inventory.py')
  const { stdout } = await run('python3', [program, '-i', join(CORPUS, name), '--list'], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      LC_ALL: 'C.UTF-8',
      PYTHONPATH: bundle.at('bundle'),
      // Compiled by the first of these calls for all.
      PYTHONPYCACHEPREFIX: join(folder, 'compiled'),
      ANSIBLE_INVENTORY_ENABLED: name.endsWith('.ini') ? 'ini' : 'yaml',
      ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true',
    },
    maxBuffer: 4 * 1024 * 1024,
  })
  const { _meta, ...groups } = JSON.parse(stdout)
  return { groups, variables: _meta.hostvars }
}

/** The hosts of a listing in our form: the variables that an ssh connection reads, and every group above a host. */
function hostsOf({ groups, variables: toVariables }: Listing) {
  const groupsOf = (host: string) => {
    const found = new Set(Object.keys(groups).filter((group) => groups[group]?.hosts?.includes(host)))
    for (let before = -1; before !== found.size; ) {
      before = found.size
      for (const [group, { children = [] }] of Object.entries(groups))
        if (children.some((child) => found.has(child))) found.add(group)
    }
    return [...found].filter((group) => group !== 'all' && group !== 'ungrouped' && /^[\w./-]+$/.test(group))
  }
  const names = new Set([
    ...Object.keys(toVariables),
    ...Object.values(groups).flatMap(({ hosts = [] }) => hosts),
  ])
  return [...names].map((name) => {
    const variables = toVariables[name] ?? {}
    const value = (old: string, now: string) => variables[old] ?? variables[now]
    const user = value('ansible_ssh_user', 'ansible_user')
    return {
      name,
      address: String(value('ansible_ssh_host', 'ansible_host') ?? name),
      port: Number(value('ansible_ssh_port', 'ansible_port') ?? 22),
      user: user === undefined ? undefined : String(user),
      groups: groupsOf(name).sort(),
    }
  })
}

const byName = <T extends { name: string }>(hosts: T[]) =>
  hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))

const ours = ({ hosts }: Imported) =>
  byName(
    hosts.map(({ name, address, port, user, labels }) => ({
      name,
      address,
      port,
      user,
      groups: Object.keys(labels).sort(),
    })),
  )

describe('inventories are read as Ansible reads them', () => {
  it.each([...files('.ini'), ...files('.yml')])(
    'the inventory %s is read as Ansible reads it',
    async (name) => {
      const imported = readHosts(toText(name))
      expect(imported.format).toBe(name.endsWith('.ini') ? 'ini' : 'yaml')
      expect(imported.unread).toEqual([])
      expect(ours(imported)).toEqual(byName(hostsOf(await listed(name))))
    },
  )
})

/** Returns the settings of `ssh -G` for a name. */
async function resolved(config: string, name: string): Promise<Map<string, string>> {
  const { stdout } = await run('ssh', ['-G', '-F', config, name])
  const values = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const at = line.indexOf(' ')
    if (at > 0 && !values.has(line.slice(0, at))) values.set(line.slice(0, at), line.slice(at + 1))
  }
  return values
}

const has = ({ problems }: ImportedHost, code: string) => problems.some((problem) => problem.code === code)

describe('OpenSSH configs are read as ssh reads them', () => {
  it.each(files('.conf'))('the OpenSSH config %s is read as ssh reads it', async (name) => {
    const config = join(folder, name)
    await writeFile(config, toText(name))
    const include = (pattern: string) =>
      globSync(pattern)
        .sort()
        .map((path) => ({ name: basename(path), text: readFileSync(path, 'utf8') }))
    const imported = readHosts(toText(name), { include, localUser: LOCAL_USER })
    expect(imported).toMatchObject({ format: 'ssh', unread: [] })
    expect(imported.hosts.length).toBeGreaterThan(0)
    for (const host of imported.hosts) {
      const values = await resolved(config, host.name)
      expect(
        {
          address: host.address.toLowerCase(),
          port: String(host.port),
          user: host.user ?? LOCAL_USER,
          jump: has(host, 'jump_host'),
          command: has(host, 'proxy_command'),
          key: host.keyFile,
        },
        host.name,
      ).toEqual({
        address: values.get('hostname'),
        port: values.get('port'),
        user: values.get('user'),
        jump: values.has('proxyjump'),
        command: values.has('proxycommand'),
        key:
          /IdentityFile/i.test(toText(name)) && host.keyFile !== undefined
            ? values.get('identityfile')
            : undefined,
      })
    }
  })
})

it('the corpus holds at least forty files, so that an empty pattern does not pass', () => {
  expect(files('.ini').length + files('.yml').length + files('.conf').length).toBeGreaterThanOrEqual(40)
})
