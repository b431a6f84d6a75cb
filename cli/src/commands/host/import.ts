import type { NewHostInput } from '@rollcall/contracts/admin'
import { forEachOf } from '@rollcall/contracts/client'
import type { ImportedHost, NoteCode, ProblemCode } from '@rollcall/inventory'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import { CliError, isExplained, UsageError } from '../../errors.ts'
import { HOST_FILE_FORMATS, readHostFile } from '../../input/host-file.ts'
import {
  addCredentialOptions,
  type CredentialOptions,
  readCredential,
  readSudoPassword,
} from '../../options/credential-options.ts'
import { collectNames, collectPairs, jsonOption } from '../../options/parsers.ts'
import { type AskingCommand, tableOr } from '../../output/answers.ts'
import { formatLabels } from '../../output/format-command.ts'
import { jsonDocument, jsonLine } from '../../output/json.ts'

interface Options extends CredentialOptions {
  user?: string
  sudoPasswordFile?: string
  label?: Record<string, string>
  only?: string[]
  format?: (typeof HOST_FILE_FORMATS)[number]
  dryRun?: boolean
  json?: boolean
}

/** Hosts that are added at the same time. The server limits its own installations. */
const MAX_AT_ONCE = 4

const HELP = `
FILE is an OpenSSH config, an Ansible inventory in INI or YAML, or a list of [user@]address[:port] [name]; "-" is standard input.
The format is detected from the content. Includes of an OpenSSH config are followed as ssh does.

Groups become labels, including parent groups. A host that cannot be imported (behind a jump host, not over SSH, a template in its
address) is skipped with the reason. Passwords in the file are not imported.

--key or --password-stdin applies to all hosts; without either, each host's own key file in FILE is used.
The SSH host key that each host shows on first contact is pinned.

Examples:
  rollcall host import ~/.ssh/config --dry-run
  rollcall host import inventory.yml --key ~/.ssh/id_ed25519 --label env=prod
  rollcall host import hosts.ini --only web-1,web-2 --key ~/.ssh/id_ed25519 --user deploy`

export function addHostImportCommand(host: AskingCommand, context: Context): void {
  const command = host
    .command('import <file>')
    .description('add the hosts of an Ansible inventory, an OpenSSH config or a list')
    .option('--dry-run', 'show what would be added, and add nothing')
    .option('--only <names>', 'only these hosts, separated by commas; may be given again', collectNames)
    .option('--user <user>', 'SSH user for hosts without one in FILE (default: root)')
  addCredentialOptions(command)
    .option('--sudo-password-file <file>', 'file whose first line is the sudo password')
    .option('--label <key=value>', 'a label for all hosts; may be given again', collectPairs)
    .addOption(
      new Option('--format <format>', 'format of FILE, if it is not detected').choices(HOST_FILE_FORMATS),
    )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => importHosts(context, file, options))
}

async function importHosts(context: Context, file: string, options: Options): Promise<void> {
  if (file === '-' && options.passwordStdin)
    throw new UsageError('--password-stdin and FILE cannot both be standard input. Give the file its name.')
  const { hosts, unread } = await readHostFile(context, file, options.format)
  const chosen = chooseFrom(hosts, options.only)
  for (const { line, text, reason } of unread)
    context.notice(`ignored: ${line > 0 ? `line ${line}: ` : ''}${text.trim()} ${reason}`)
  if (options.dryRun) return showPlan(context, chosen, options)
  const fit = chosen.filter(({ problems }) => problems.length === 0)
  for (const each of chosen.filter(({ problems }) => problems.length > 0))
    context.notice(`skipped ${each.name}: ${whyNot(each)}`)
  if (fit.length === 0) throw new CliError(`${file} has no host that can be added.`)
  const failed = await addAll(context, fit, await readShared(context, options), options)
  if (failed > 0) throw new CliError(`${failed} of ${fit.length} hosts could not be added; see above.`)
}

function chooseFrom(
  hosts: readonly ImportedHost[],
  only: readonly string[] | undefined,
): readonly ImportedHost[] {
  if (only === undefined) return hosts
  const missing = only.find((name) => !hosts.some((host) => host.name === name))
  if (missing !== undefined)
    throw new UsageError(`--only: there is no host ${missing} in the file. --dry-run lists the hosts.`)
  return hosts.filter(({ name }) => only.includes(name))
}

function showPlan({ stdout }: Context, hosts: readonly ImportedHost[], { user, label, json }: Options): void {
  const rows = hosts.map((host) => ({
    ...host,
    user: host.user ?? user ?? 'root',
    labels: { ...host.labels, ...label },
  }))
  if (json) return void stdout.write(jsonDocument({ hosts: rows }))
  stdout.write(
    tableOr(
      'The file has no hosts.',
      ['ADD', 'NAME', 'ADDRESS', 'PORT', 'USER', 'LABELS', 'NOTE'],
      rows.map((host) => [
        host.problems.length === 0 ? 'yes' : 'no',
        host.name,
        host.address,
        host.port,
        host.user,
        formatLabels(host.labels),
        [whyNot(host), ...host.notes.map((note) => NOTES[note])].filter(Boolean).join('; '),
      ]),
    ),
  )
}

/** Reads what all hosts share, once: standard input can be read only once. */
const readShared = async (context: Context, options: Options) => ({
  credential: await readCredential(context, options),
  sudoPassword: await readSudoPassword(options.sudoPasswordFile),
})

type Shared = Awaited<ReturnType<typeof readShared>>

/** Adds hosts, some at a time; a failure does not stop the others. Returns how many failed. */
async function addAll(
  context: Context,
  hosts: readonly ImportedHost[],
  given: Shared,
  options: Options,
): Promise<number> {
  let failed = 0
  await forEachOf(hosts, MAX_AT_ONCE, async (host) => {
    const outcome = await addOne(context, host, given, options).then(
      (commandId) => ({ host: host.name, commandId, error: null }),
      (error: unknown) => {
        if (!isExplained(error)) throw error
        return { host: host.name, commandId: null, error: error.message }
      },
    )
    if (outcome.error !== null) failed++
    if (options.json) context.stdout.write(jsonLine(outcome))
    else if (outcome.error === null) context.notice(`${host.name}: the installation has started`)
    else context.notice(`${host.name}: not added: ${outcome.error}`)
  })
  if (!options.json && failed < hosts.length) context.notice('check them with: rollcall host list')
  return failed
}

async function addOne(
  context: Context,
  host: ImportedHost,
  given: Shared,
  options: Options,
): Promise<string> {
  const { name, address, port, keyFile: key, certificateFile: certificate } = host
  const { passphraseFile } = options
  const own = () => key && readCredential(context, { key, certificate, passphraseFile })
  const credential = given.credential ?? (await own())
  if (!credential)
    throw new UsageError(
      'Say how to sign in: --key FILE, or --password-stdin. The file has no key file for it.',
    )
  const { fingerprint } = await context.api.call('scanHostKey', { body: { address, port } })
  const body: NewHostInput = {
    name,
    address,
    port,
    user: host.user ?? options.user ?? 'root',
    credential,
    labels: { ...host.labels, ...options.label },
    hostKey: fingerprint,
    sudoPassword: given.sudoPassword,
  }
  return (await context.api.call('addHost', { body })).commandId
}

const PROBLEMS: Record<ProblemCode, string> = {
  jump_host: 'reached through a jump host',
  proxy_command: 'reached through a program',
  not_ssh: 'not reached over SSH',
  windows: 'a Windows host',
  local: 'the machine itself',
  template: 'a template that only Ansible can resolve',
  vault: 'an encrypted value',
  match: 'a Match that only ssh can evaluate',
  canonical: 'ssh canonicalises its name',
  become: 'does not become root with sudo',
  port: 'not a valid port',
  address: 'not a valid address',
  name: 'not a valid host name here',
  user: 'not a valid user name',
}

const NOTES: Record<NoteCode, string> = {
  key_file: 'has a key file of its own',
  password: 'its password is not imported',
}

const whyNot = ({ problems }: ImportedHost): string =>
  problems.map(({ code, detail }) => `${PROBLEMS[code]} (${detail})`).join('; ')
