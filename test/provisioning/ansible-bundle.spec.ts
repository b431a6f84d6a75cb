import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildAnsibleBundle } from '../../scripts/ansible-bundle.mjs'

const run = promisify(execFile)

/** A playbook with a module of its own, which takes a function that its own `module_utils` has put in the place of Ansible's. */
const PROJECT = {
  'play.yml': `- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: {argv: [echo, "{{ [3, 1] | sort | first }}"]}
      register: said
    - own:
      register: own
    - ansible.builtin.copy:
        dest: "{{ result }}"
        content: "{{ {'said': said.stdout, 'own': own.from, 'basic': own.basic} | to_json }}"
`,
  'library/own.py': `from ansible.module_utils import basic
from ansible.module_utils.urls import whose

basic.AnsibleModule(argument_spec={}).exit_json(**{"from": whose(), "basic": basic.__file__})
`,
  'module_utils/urls.py': 'def whose():\n    return "the playbook"\n',
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-bundle-'))
  const { path } = await buildAnsibleBundle()
  await mkdir(at('bundle'))
  await run('tar', ['--extract', '--gzip', '--file', path, '--directory', at('bundle')])
  for (const [name, text] of Object.entries(PROJECT)) {
    await mkdir(dirname(at(`project/${name}`)), { recursive: true })
    await writeFile(at(`project/${name}`), text)
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const memory = (bundle: string) => at(`${bundle}/__pycache__/yaml.json`)

async function play(bundle: string): Promise<{ said: string; own: string; basic: string }> {
  const variables = ['ansible_python_interpreter=/usr/bin/python3', `result=${at('result.json')}`]
  const argv = [
    '-I',
    at(bundle),
    '-i',
    'localhost,',
    '-c',
    'local',
    ...variables.flatMap((one) => ['-e', one]),
  ]
  const env = { PATH: '/usr/bin:/bin', HOME: folder, LC_ALL: 'C.UTF-8' }
  await run('/usr/bin/python3', [...argv, at('project/play.yml')], { env, cwd: at('project') })
  return JSON.parse(await readFile(at('result.json'), 'utf8'))
}

it('takes from itself, compiled, what a module imports of Ansible, and from the playbook what that has put in its place', async () => {
  const expected = { said: '1', own: 'the playbook', basic: at('bundle/ansible/module_utils/basic.py') }
  expect(await play('bundle')).toEqual(expected)
  expect(Object.keys(JSON.parse(await readFile(memory('bundle'), 'utf8'))).length).toBeGreaterThan(20)
  expect(await play('bundle')).toEqual(expected)
})

it('parses anew what it cannot remember: where its memory was cut off, and of another text', async () => {
  await cp(at('bundle'), at('damaged'), { recursive: true, preserveTimestamps: true })
  await writeFile(memory('damaged'), '{"a": ')
  expect((await play('damaged')).said).toBe('1')
  const mended = JSON.parse(await readFile(memory('damaged'), 'utf8')) as Record<string, string>
  await writeFile(
    memory('damaged'),
    JSON.stringify(Object.fromEntries(Object.keys(mended).map((key) => [key, 'x']))),
  )
  expect((await play('damaged')).own).toBe('the playbook')
})
