import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnpackedBundle } from './unpacked-bundle.ts'

const PLAYBOOKS = fileURLToPath(new URL('../../playbooks', import.meta.url))

const PLAY = '- name: Uses\n  hosts: all\n  gather_facts: false\n  roles: [using]\n'
const SPECS = `argument_specs:
  main:
    options:
      using_text: {type: str}
      using_open: {type: str}
      using_close: {type: str}
      using_list: {type: list, elements: str}
      using_dict: {type: dict}
      using_template: {type: str, rollcall_template: true}
      using_out: {type: path}
`
// Every way in which a role hands a variable on, some of them several times over.
const TASKS = `- name: Keep it as facts, put together too
  ansible.builtin.set_fact:
    using_fact: "{{ using_text }}"
    using_joined: "{{ using_open ~ using_close }}"
    using_nested: {inner: "{{ using_dict }}"}
- name: Hand it to a program
  ansible.builtin.command: {argv: [echo, "{{ using_text }}", "{{ using_fact }}", "{{ using_joined }}"]}
  register: using_said
  check_mode: false
  changed_when: false
- name: Go through it
  ansible.builtin.command: {argv: [echo, "{{ item.key }}", "{{ item.value }}"]}
  loop: "{{ using_nested.inner | dict2items }}"
  register: using_items
  check_mode: false
  changed_when: false
- name: Go through the list
  ansible.builtin.command: {argv: [echo, "{{ item }}"]}
  loop: "{{ using_list }}"
  register: using_lines
  check_mode: false
  changed_when: false
- name: Write it down
  ansible.builtin.copy:
    dest: "{{ using_out }}"
    content: "{{ {'said': using_said.stdout, 'items': using_items.results | map(attribute='stdout') | list,
      'lines': using_lines.results | map(attribute='stdout') | list, 'dict': using_nested.inner, 'template': using_template} | to_json }}"
  check_mode: false
- name: Fill a file in
  ansible.builtin.template: {src: file.j2, dest: "{{ using_out }}.filled"}
  check_mode: false
`

describe.skipIf(process.getuid?.() !== 0)('what a user gives a playbook (needs root)', () => {
  let bundle: UnpackedBundle

  beforeAll(async () => {
    bundle = await UnpackedBundle.open()
    await mkdir(bundle.at('tools'))
    await symlink(bundle.at('bundle'), bundle.at('tools/ansible'))
    await symlink(PLAYBOOKS, bundle.at('tools/playbooks'))
    await bundle.write({
      'own/use.yml': PLAY,
      'own/roles/using/meta/argument_specs.yml': SPECS,
      'own/roles/using/tasks/main.yml': TASKS,
      'own/roles/using/templates/file.j2':
        '{{ using_text }} {{ using_dict | to_json }} {{ using_template }}\n',
    })
  })
  afterAll(() => bundle?.[Symbol.asyncDispose]())

  async function run(variables: Record<string, unknown>, check: boolean): Promise<string> {
    const order = { playbook: 'use.yml', project: bundle.at('own'), variables, nonce: 'n'.repeat(22) }
    const script = bundle.at('tools/playbooks/host/run_playbook.py')
    const child = spawn('python3', [script, '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        said += data
      })
    child.stdin.end(`${JSON.stringify({ ...order, check, diff: check, expected: null })}\n`)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`exited with ${code}: ${said}`)
    return said
  }

  it.each([
    ['in a run', false],
    ['in a plan', true],
  ])('variables of a user are data %s, unless the spec asks for a template', async (_how, check) => {
    const evil = bundle.at('evil')
    const text = `{{ lookup('pipe', 'touch ${evil}') }}`
    const [open, close] = [text.slice(0, 1), text.slice(1)]
    const out = bundle.at('out.json')
    await run(
      {
        using_text: text,
        using_open: open,
        using_close: close,
        using_list: [text, '{% raw %}', '{# x #}'],
        using_dict: { [text]: text, deep: [{ [text]: `"\\\u0085\u2028😀` }], n: 1e22 },
        using_out: out,
        using_template: '{{ 6 * 7 }}',
        rollcall_templates: ['using_template'],
      },
      check,
    )
    const found = JSON.parse(await readFile(out, 'utf8'))
    expect(found.said).toBe(`${text} ${text} ${text}`)
    expect(found.items[0]).toBe(`${text} ${text}`)
    expect(found.lines).toEqual([text, '{% raw %}', '{# x #}'])
    expect(found.dict).toEqual({ [text]: text, deep: [{ [text]: `"\\\u0085\u2028😀` }], n: 1e22 })
    expect(String(found.template)).toBe('42')
    const filled = await readFile(`${out}.filled`, 'utf8')
    expect(filled.startsWith(`${text} {`) && filled.endsWith(' 42\n')).toBe(true)
    expect(existsSync(evil)).toBe(false)
  })
})
