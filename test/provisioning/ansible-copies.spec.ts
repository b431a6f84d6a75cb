import { readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { UnpackedBundle } from './unpacked-bundle.ts'

/** Each of them as people use it: what it says is kept under its number. */
const MODULES = [
  'file: {path: "{{ here }}/folder", state: directory, mode: "0750"}',
  'file: {path: "{{ here }}/folder", state: directory, mode: "0750"}',
  'file: {path: "{{ here }}/folder/link", src: nowhere, state: link, force: true}',
  'copy: {content: "a\\nb\\n", dest: "{{ here }}/text", mode: "0600"}',
  'copy: {content: "a\\nb\\n", dest: "{{ here }}/text"}',
  'copy: {src: "{{ here }}/text", dest: "{{ here }}/copy", remote_src: true}',
  'copy: {content: x, dest: "{{ here }}/none/there"}',
  'template: {src: settings.j2, dest: "{{ here }}/settings"}',
  'lineinfile: {path: "{{ here }}/text", line: c}',
  'blockinfile: {path: "{{ here }}/text", block: "d\\ne"}',
  'replace: {path: "{{ here }}/text", regexp: "^a$", replace: A}',
  'assemble: {src: "{{ here }}/parts", dest: "{{ here }}/whole"}',
  'command: {argv: [sh, -c, "pwd; umask; echo err >&2; echo \\u00fc"]}',
  'command: {argv: [sh, -c, "exit 3"]}',
  'command: {argv: [sh, -c, "kill -9 $PPID"]}',
  'command: {cmd: pwd, chdir: "{{ here }}"}',
  'command: {cmd: "true", creates: "{{ here }}/text"}',
  'shell: "env | grep -v -E ^(_|PWD|OLDPWD|SHLVL|ANSIBLE_KEEP_REMOTE_FILES)= | sort"',
  'stat: {path: "{{ here }}/text", get_attributes: false}',
  'slurp: {src: "{{ here }}/text"}',
  'slurp: {src: "{{ here }}/none"}',
  'find: {paths: ["{{ here }}"], recurse: true, get_checksum: true}',
  'getent: {database: passwd, key: root}',
  'group: {name: rollcall-copies}',
  'user: {name: rollcall-copies, group: root}',
  'ping: {data: pong}',
  'setup: {gather_subset: ["!all", "!min", python, user, distribution, pkg_mgr, platform]}',
  'uri: {url: "{{ web }}/page", return_content: true}',
  'uri: {url: "{{ web }}/page", status_code: 404}',
  'get_url: {url: "{{ web }}/page", dest: "{{ here }}/page"}',
  'unarchive: {src: "{{ here }}/parts.tar.gz", dest: "{{ here }}/parts", remote_src: true}',
  'tempfile: {path: "{{ here }}", suffix: .x}',
  'wait_for: {path: "{{ here }}/text", timeout: 5}',
  'wait_for: {path: "{{ here }}/never", timeout: 1}',
  'systemd: {name: rollcall-nothing-like-it, state: started}',
  'file: {pth: misspelt}',
]
/** Fields that differ between runs, and the word "Killed" of a shell. */
const VARIES = /^(start|end|delta|elapsed|[acm]time|inode|dev|date|src|path|version|module_stderr)$/

const tasks = MODULES.map(
  (module, at) => `    - ansible.builtin.${module}
      register: result_${at}
      ignore_errors: true
${/^(group|user)/.test(module) ? '      check_mode: true\n' : ''}`,
)
const results = MODULES.map((_, at) => `result_${at}`)

const WHO = String.raw`ansible.builtin.command: {argv: [sh, -c, "tr '\\0' ' ' < /proc/$PPID/cmdline"]}`
/** Tasks that tell in which process their module ran, and what makes each of them special. */
const SPECIAL: Record<string, string> = {
  plain: '',
  short: '',
  surrounded: 'environment: {OTHER: x}',
  delegated: 'delegate_to: 127.0.0.1',
  later: 'async: 30\n      poll: 1',
  handed: 'become: true\n      become_user: nobody\n      become_method: su\n      become_flags: -s /bin/sh',
}
/** Tasks whose modules are run in a fork where nothing speaks against it. */
const USUAL = ['plain', 'short']

const PROJECTS = {
  'same/play.yml': `- hosts: all
  gather_facts: false
  vars: {here: "{{ playbook_dir }}/here"}
  tasks:
    - ansible.builtin.command: {argv: [rm, -rf, "{{ here }}"]}
    - ansible.builtin.command: {argv: [mkdir, -p, "{{ here }}/parts"]}
    - ansible.builtin.shell: "cd {{ here }} && echo 1 > parts/1 && echo 2 > parts/2 && tar --mtime @0 -cf - parts | gzip -n > parts.tar.gz"
${tasks.join('')}
    - ansible.builtin.copy:
        dest: "{{ result }}"
        content: "{{ [${results.join(', ')}] | to_json }}"
`,
  'same/templates/settings.j2': 'of {{ ansible_check_mode }}\n',
  'who/play.yml': playOf(Object.keys(SPECIAL)),
  'usual/play.yml': playOf(USUAL),
}

/** Writes a play of some of the tasks in `SPECIAL`, which reports what each of them said. */
function playOf(names: readonly string[]): string {
  const tasks = names.map(
    (name) => `    - ${name === 'short' ? WHO.replace('ansible.builtin.', '') : WHO}
      register: ${name}
      ${SPECIAL[name]}
`,
  )
  const outputs = names.map((name) => `'${name}': ${name}.stdout`)
  return `- hosts: all
  gather_facts: false
  tasks:
${tasks.join('')}
    - ansible.builtin.copy:
        dest: "{{ result }}"
        content: "{{ {${outputs.join(', ')}} | to_json }}"
`
}

let bundle: UnpackedBundle
let web: Server
let url: string
beforeAll(async () => {
  bundle = await UnpackedBundle.open()
  await bundle.write(PROJECTS)
  web = createServer((_request, response) => response.end('page'))
  await new Promise<void>((resolve) => void web.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})
afterAll(async () => {
  web?.close()
  await bundle?.[Symbol.asyncDispose]()
})

/** Each module with what it said, less what differs from one time to the next. */
async function said(env: Record<string, string>) {
  const all = await bundle.play<object[]>('same', { variables: { web: url }, env })
  return all.map((one, at) => ({ module: MODULES[at], ...(steady(one) as object) }))
}

function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(steady)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !VARIES.test(name))
  return Object.fromEntries(kept.map(([name, one]) => [name, steady(one)]))
}

it('each module answers in a fork what it answers in a new Python, and leaves no temporary file', async () => {
  const inCopies = await said({})
  expect(await readdir(bundle.at('remote'))).toEqual([])
  // Its files are kept for people to look at: Ansible runs none from memory then.
  const inNew = await said({ ANSIBLE_KEEP_REMOTE_FILES: '1' })
  expect(inCopies).toEqual(inNew)
  expect(JSON.stringify(inCopies)).toContain('"rc":137')
})

/** The tasks of a project whose module was a copy of Ansible's own process. */
async function copied(project: 'who' | 'usual', variables: Record<string, string> = {}) {
  const who = await bundle.play<Record<string, string>>(project, { variables })
  return Object.keys(SPECIAL).filter((name) => who[name]?.includes(bundle.at('bundle')))
}

it('modules run in a fork only where a new Python would be the same', async () => {
  expect(await copied('who')).toEqual(USUAL)
  expect(await copied('usual', { ansible_python_interpreter: '/usr/bin/../bin/python3' })).toEqual([])
})

it('modules run in no fork where the server asks for plain Ansible', async () => {
  await bundle.write({ PLAIN_ANSIBLE: '' })
  try {
    expect(await copied('usual')).toEqual([])
  } finally {
    await rm(bundle.at('PLAIN_ANSIBLE'))
  }
})

it('modules run in forks beside module_utils of a playbook, unless these replace what a module imports', async () => {
  await bundle.write({ 'usual/module_utils/own.py': '' })
  expect(await copied('usual')).toEqual(USUAL)
  await bundle.write({ 'usual/module_utils/urls.py': '' })
  expect(await copied('usual')).toEqual([])
})
