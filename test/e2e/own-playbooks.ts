import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { AdminResponse } from '@rollcall/contracts/admin'
import type { ServerProcess } from '../fleet/server-process.ts'

/** One playbook, whose role writes `text` and what it was given to /etc/greeting. */
const files = (text: string): [path: string, content: string][] => [
  ['greet.yml', '- name: Greets\n  hosts: all\n  gather_facts: false\n  roles: [greeting]\n'],
  [
    'roles/greeting/meta/argument_specs.yml',
    'argument_specs:\n  main:\n    options:\n      greeting_name:\n        description: Who.\n        required: yes\n',
  ],
  [
    'roles/greeting/tasks/main.yml',
    '- name: Greet\n  ansible.builtin.template: {src: text.j2, dest: /etc/greeting, mode: "0644"}\n- name: Wait for what runs beside it\n  ansible.builtin.command: {argv: ["true"]}\n  async: 60\n  poll: 1\n  changed_when: false\n  when: not ansible_check_mode\n',
  ],
  ['roles/greeting/templates/text.j2', `${text} {{ greeting_name }}\n`],
]

/** Adds the collection `mysite` as a person does, from a folder by the command line. Gives its version. */
export const addOwnPlaybooks = (server: ServerProcess, text: string): Promise<string> =>
  addPlaybooks(server, 'mysite', files(text))

/** Adds a collection of these files by the command line. Returns its version. */
export async function addPlaybooks(
  server: ServerProcess,
  name: string,
  contents: [path: string, content: string][],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-own-'))
  try {
    for (const [path, content] of contents) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    const { code, stdout, stderr } = await server.cli('playbook', 'add', name, folder, '--json')
    if (code !== 0) throw new Error(`the playbooks were not added: ${stderr}`)
    return (JSON.parse(stdout) as AdminResponse<'addCollection'>).collection.version
  } finally {
    await rm(folder, { recursive: true })
  }
}
