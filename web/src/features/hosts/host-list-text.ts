import { isYamlInventory, readYamlInventory } from './inventory-yaml.ts'
import { LABEL, NAME, type Pasted, type PastedHost } from './pasted-host.ts'

/** Reads an OpenSSH config, an Ansible inventory (INI or YAML), or a plain list of `[user@]address[:port] [name]`. */
export function readHosts(text: string): Pasted {
  if (/^\s*Host(Name)?\s/im.test(text)) return readSshConfig(text)
  if (isYamlInventory(text)) return readYamlInventory(text)
  return readInventory(text)
}

function readSshConfig(text: string): Pasted {
  const result: Pasted = { hosts: [], unread: [] }
  let block: { names: string[]; values: Record<string, string> } | undefined
  const finish = () => {
    for (const name of block?.names ?? []) {
      const { hostname, port, user } = block?.values ?? {}
      result.hosts.push({
        name,
        address: hostname?.replaceAll('%h', name) ?? name,
        port: Number(port ?? 22),
        ...(user && { user }),
        labels: {},
      })
    }
  }
  text.split('\n').forEach((raw, i) => {
    const line = raw.replace(/#.*/, '').trim()
    if (!line) return
    const [, key = '', value = ''] = /^(\S+?)(?:\s*=\s*|\s+)(.+)$/.exec(line) ?? []
    if (!key) result.unread.push({ line: i + 1, text: raw })
    else if (key.toLowerCase() === 'host') {
      finish()
      // Patterns name no host.
      block = { names: value.split(/\s+/).filter((name) => NAME.test(name)), values: {} }
    } else if (block) block.values[key.toLowerCase()] ??= value.replace(/^"|"$/g, '')
  })
  finish()
  return result
}

function readInventory(text: string): Pasted {
  const byName = new Map<string, PastedHost>()
  const unread: Pasted['unread'] = []
  let group: string | undefined
  text.split('\n').forEach((raw, i) => {
    const line = raw.replace(/(^|\s)[#;].*/, '').trim()
    if (!line) return
    const section = /^\[([^\]:]+)(:\w+)?\]$/.exec(line)
    if (section) {
      // Variables and children of groups name no hosts.
      group = section[2] ? undefined : section[1]
      if (section[2]) group = '\0'
      return
    }
    if (group === '\0') return
    const host = readLine(line)
    if (!host) {
      unread.push({ line: i + 1, text: raw })
      return
    }
    const known = byName.get(host.name)
    const labels = group && LABEL.test(group) && group !== 'ungrouped' ? { [group]: '' } : {}
    byName.set(host.name, { ...host, ...known, labels: { ...known?.labels, ...labels } })
  })
  return { hosts: [...byName.values()], unread }
}

function readLine(line: string): PastedHost | undefined {
  const [first = '', ...words] = line.split(/\s+/)
  const variables = Object.fromEntries(
    words.filter((word) => word.includes('=')).map((word) => word.split('=', 2) as [string, string]),
  )
  const [, user, address = '', port] =
    /^(?:([^@\s]+)@)?(\[[0-9a-fA-F:]+\]|[^:@\s]+)(?::(\d{1,5}))?$/.exec(first) ?? []
  if (!address) return undefined
  const plain = address.replace(/^\[|\]$/g, '')
  const named = words.find((word) => !word.includes('='))
  const name = named ?? plain.replaceAll(':', '-')
  if (!NAME.test(name)) return undefined
  const asked = variables.ansible_user ?? user
  return {
    name,
    address: variables.ansible_host ?? plain,
    port: Number(variables.ansible_port ?? port ?? 22),
    ...(asked && { user: asked }),
    labels: {},
  }
}
