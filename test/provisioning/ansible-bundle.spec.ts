import { cp, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { UnpackedBundle } from './unpacked-bundle.ts'

/** A playbook with a module of its own, which takes a function that its own `module_utils` has put in the place of Ansible's. */
const PROJECT = {
  'project/play.yml': `- hosts: all
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
  'project/library/own.py': `from ansible.module_utils import basic
from ansible.module_utils.urls import whose

basic.AnsibleModule(argument_spec={}).exit_json(**{"from": whose(), "basic": basic.__file__})
`,
  'project/module_utils/urls.py': 'def whose():\n    return "the playbook"\n',
}

let bundle: UnpackedBundle
beforeAll(async () => {
  bundle = await UnpackedBundle.open()
  await bundle.write(PROJECT)
})
afterAll(() => bundle?.[Symbol.asyncDispose]())

const memory = (name: string) => bundle.at(`${name}/__pycache__/yaml.json`)
const play = (name: string) =>
  bundle.play<{ said: string; own: string; basic: string }>('project', { bundle: name })

it('the Ansible bundle imports its own compiled modules, and those of the playbook in their place', async () => {
  const expected = {
    said: '1',
    own: 'the playbook',
    basic: bundle.at('bundle/ansible/module_utils/basic.py'),
  }
  expect(await play('bundle')).toEqual(expected)
  expect(Object.keys(JSON.parse(await readFile(memory('bundle'), 'utf8'))).length).toBeGreaterThan(20)
  expect(await play('bundle')).toEqual(expected)
})

it('the Ansible bundle parses again if its cache is damaged or of another text', async () => {
  await cp(bundle.at('bundle'), bundle.at('damaged'), { recursive: true, preserveTimestamps: true })
  await writeFile(memory('damaged'), '{"a": ')
  expect((await play('damaged')).said).toBe('1')
  const mended = JSON.parse(await readFile(memory('damaged'), 'utf8')) as Record<string, string>
  await writeFile(
    memory('damaged'),
    JSON.stringify(Object.fromEntries(Object.keys(mended).map((key) => [key, 'x']))),
  )
  expect((await play('damaged')).own).toBe('the playbook')
})
