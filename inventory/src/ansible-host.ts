import type { ResolvedHost, Value } from './group-tree.ts'
import {
  type ImportedHost,
  isLabel,
  type NoteCode,
  type Problem,
  type ProblemCode,
  problemsOfValues,
} from './imported.ts'

const SSH = new Set([
  'ssh',
  'smart',
  'paramiko',
  'paramiko_ssh',
  'ansible.builtin.ssh',
  'ansible.builtin.paramiko_ssh',
  'ansible.netcommon.libssh',
])
const WINDOWS = new Set(['winrm', 'psrp', 'ansible.builtin.winrm', 'ansible.builtin.psrp'])
const LOCAL = new Set(['local', 'ansible.builtin.local'])
const LOCAL_NAMES = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/
const PASSWORDS =
  /^ansible_(ssh_pass|ssh_password|password|become_pass|become_password|sudo_pass|sudo_password|su_pass)$/
const SSH_ARGUMENTS = ['ansible_ssh_common_args', 'ansible_ssh_args', 'ansible_ssh_extra_args']
const SUDO = /^(ansible\.builtin\.)?sudo$/

/**
 * Turns a host of an inventory into one that can be added: by the variables that Ansible's ssh connection reads, of which the older names win
 * where both are set, as they do there.
 */
export function toImportedHost({ name, groups, variables }: ResolvedHost): ImportedHost {
  const problems: Problem[] = []
  const problem = (code: ProblemCode, detail: string) => void problems.push({ code, detail })
  const text = (...names: string[]): string | undefined => {
    const found = names.find((each) => variables.has(each))
    const value = found === undefined ? undefined : (variables.get(found) as Value)
    if (value === undefined) return undefined
    if (typeof value !== 'string') {
      problem(value.kind === 'vault' ? 'vault' : 'template', found as string)
      return undefined
    }
    if (/\{\{|\{%/.test(value)) problem('template', `${found}: ${value}`)
    return value
  }
  const address = text('ansible_ssh_host', 'ansible_host') ?? name
  const port = text('ansible_ssh_port', 'ansible_port')
  const user = text('ansible_ssh_user', 'ansible_user')
  const connection = text('ansible_connection')
  const becomeMethod = text('ansible_become_method')
  const becomeUser = text('ansible_become_user', 'ansible_sudo_user')
  const hasShell = text('ansible_shell_type')
  if (connection !== undefined && WINDOWS.has(connection)) problem('windows', connection)
  else if (hasShell === 'powershell' || hasShell === 'cmd') problem('windows', hasShell)
  else if (connection !== undefined && LOCAL.has(connection)) problem('local', connection)
  else if (connection !== undefined && !SSH.has(connection)) problem('not_ssh', connection)
  else if (LOCAL_NAMES.test(address)) problem('local', address)
  if (becomeMethod !== undefined && !SUDO.test(becomeMethod)) problem('become', becomeMethod)
  if (becomeUser !== undefined && becomeUser !== 'root') problem('become', becomeUser)
  for (const each of SSH_ARGUMENTS) problems.push(...problemsOfArguments(text(each) ?? ''))
  const keyFile = text('ansible_ssh_private_key_file', 'ansible_private_key_file')
  const values = { name, address, port: port === undefined ? 22 : toNumber(port), user }
  const hasTemplate = problems.some(({ code }) => code === 'template' || code === 'vault')
  return {
    ...values,
    labels: Object.fromEntries(groups.filter(isLabel).map((group) => [group, ''])),
    keyFile,
    certificateFile: undefined,
    // A template is no address either, and was told already.
    problems: [
      ...problems,
      ...problemsOfValues(values).filter(({ code }) => !hasTemplate || code === 'name'),
    ],
    notes: notesOf(variables, keyFile),
  }
}

function notesOf(variables: ReadonlyMap<string, Value>, keyFile: string | undefined): NoteCode[] {
  const hasPassword = [...variables.keys()].some((key) => PASSWORDS.test(key))
  return [
    ...(keyFile === undefined ? [] : (['key_file'] as const)),
    ...(hasPassword ? (['password'] as const) : []),
  ]
}

/** Arguments of ssh that use another transport. */
function problemsOfArguments(text: string): Problem[] {
  const [, jump] = /(?:^|\s|["'])(?:-J\s*|-o\s*["']?ProxyJump[\s=]+)["']?([^\s"']+)/i.exec(text) ?? []
  if (jump !== undefined && jump.toLowerCase() !== 'none') return [{ code: 'jump_host', detail: jump }]
  return /ProxyCommand[\s=]+(?!["']?none\b)/i.test(text)
    ? [{ code: 'proxy_command', detail: 'ProxyCommand' }]
    : []
}

const toNumber = (text: string): number => (/^\d{1,5}$/.test(text) ? Number(text) : Number.NaN)
