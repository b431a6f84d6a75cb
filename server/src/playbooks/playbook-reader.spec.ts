import { describe, expect, it } from 'vitest'
import { readPlaybooks } from './playbook-reader.ts'

const PLAY = `---
- name: Deploys
  hosts: all
  roles:
    - web
`
const SPECS = `argument_specs:
  main:
    short_description: A web server
    options:
      web_port:
        description: |
          Where it
          listens.
        type: int
        required: yes
`
const read = (files: Record<string, string>) =>
  readPlaybooks(
    new Map(Object.entries({ 'site.yml': PLAY, 'roles/web/meta/argument_specs.yml': SPECS, ...files })),
  )
const faults = async (files: Record<string, string>) =>
  (await read(files)).faults.map(({ file, line, message }) => `${file}:${line} ${message}`)

describe('playbooks of a folder', () => {
  it('take what the specs of their roles say, read as Ansible reads YAML', async () => {
    const { playbooks, faults } = await read({ 'roles/web/tasks/main.yml': '- ping: {key: !vault "x"}\n' })
    expect(faults).toEqual([])
    expect(playbooks).toMatchObject([
      {
        name: 'site',
        title: 'Deploys',
        variables: [{ name: 'web_port', isRequired: true, description: 'Where it listens.' }],
      },
    ])
  })

  it('a playbook with tasks of its own and no roles takes no variables', async () => {
    const { playbooks } = await read({ 'bare.yml': '- hosts: localhost\n  tasks:\n    - ping:\n' })
    expect(playbooks[0]).toMatchObject({ name: 'bare', title: 'bare.yml', variables: [] })
  })

  it.each([
    ['no YAML', { 'site.yml': '- hosts: all\n  roles: [web\n- x' }, /^site\.yml:[23] is no YAML/],
    [
      'no YAML in a role',
      { 'roles/web/tasks/main.yml': '- a: 1\n  b: "2\n' },
      /^roles\/web\/tasks\/main\.yml:\d is no YAML/,
    ],
    ['something that is no play', { 'site.yml': 'all: {}\n' }, /^site\.yml:1 .*list of plays/],
    ['no play', { 'site.yml': '[]\n' }, /^site\.yml:1 .*must have a play/],
    ['a group of hosts', { 'site.yml': '- name: x\n  hosts: web\n' }, /^site\.yml:2 0\.hosts must be all/],
    [
      'an imported playbook',
      { 'site.yml': '- import_playbook: b.yml\n' },
      /^site\.yml:1 0\.hosts must be all/,
    ],
    [
      'a role that is elsewhere',
      { 'site.yml': `${PLAY}    - other\n` },
      /^site\.yml:6 the role other has no roles\/other\/meta/,
    ],
    [
      'a role of a path',
      { 'site.yml': '- hosts: all\n  roles:\n    - ../x\n' },
      /^site\.yml:3 .*name of a role/,
    ],
    [
      'a type that is none',
      { 'roles/web/meta/argument_specs.yml': SPECS.replace('type: int', 'type: number') },
      /^roles\/web\/meta\/argument_specs\.yml:9 web_port\.type is "number"/,
    ],
    ['a name that is none', { 'Site.yaml': PLAY }, /^Site\.yaml:1 must be called NAME\.yml/],
    [
      'aliases of aliases',
      {
        'site.yml': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replace(/./g, (c) => `${c}: &${c} [${Array(9).fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)}]\n`)}`,
      },
      /^site\.yml:1 is no YAML/,
    ],
    ['brackets without end', { 'site.yml': '['.repeat(10_000) }, /^site\.yml:\d+ is no YAML/],
    ['more than anybody writes', { 'site.yml': `# ${'x'.repeat(150_000)}` }, /^site\.yml:1 is longer/],
  ])('playbooks with %s are refused with file and line', async (_what, files, fault) => {
    expect((await faults(files)).join('\n')).toMatch(fault)
  })

  it('all faults of playbooks are reported at once, at most twenty', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}.yml`, '- hosts: web\n']))
    expect(await faults(wrong)).toHaveLength(20)
  })
})
