import type { PlaybookVariable, PlaybookView } from '@rollcall/contracts/admin'
import { variableOf } from '@rollcall/contracts/admin/playbooks/testing/variables'
import { describe, expect, it } from 'vitest'
import { toManagedPlaybook } from './managed-playbook.ts'

const VERSION = 'a'.repeat(64)
const STATE = variableOf('api_state', {
  choices: ['present', 'absent'],
  default: 'present',
  isDefaultGiven: true,
})
const playbook = (variables: PlaybookVariable[], name = 'mine/api'): PlaybookView => ({
  name,
  title: '',
  description: '',
  variables,
  version: name.includes('/') ? VERSION : null,
})
const faultsOf = (view: PlaybookView, given: Record<string, unknown> = {}) => {
  const found = toManagedPlaybook(view, given)
  return 'faults' in found ? found.faults.map(({ field }) => field) : []
}

describe('playbooks that are run as present and absent', () => {
  it('a managed playbook has the variables that Ansible gets, with the defaults of its specs and without its state', () => {
    const view = playbook([
      STATE,
      variableOf('api_port', { type: 'int', isRequired: true }),
      variableOf('api_folder', { default: '/srv/{{ api_port }}', isDefaultGiven: true }),
      variableOf('api_token', { isSecret: true }),
    ])
    expect(toManagedPlaybook(view, { api_port: 8080, api_token: '{{ x }}' })).toEqual({
      playbook: {
        name: 'mine/api',
        file: 'api.yml',
        collection: { name: 'mine', version: VERSION },
        stateVariable: 'api_state',
        variables: {
          api_port: 8080,
          api_folder: '/srv/{{ api_port }}',
          api_token: '{{ x }}',
          rollcall_templates: ['api_folder'],
        },
        secretVariables: ['api_token'],
      },
    })
  })

  it('a managed playbook that comes with the server is in no collection', () => {
    expect(toManagedPlaybook(playbook([STATE], 'deploy_api'), {})).toMatchObject({
      playbook: { file: 'deploy_api.yml', collection: null },
    })
  })

  it('a managed playbook is refused where nothing, or more than one thing, says whether it is present', () => {
    expect(faultsOf(playbook([variableOf('api_state', { choices: ['present'] })]))).toEqual(['playbook'])
    expect(faultsOf(playbook([STATE, { ...STATE, name: 'db_state' }]))).toEqual(['playbook'])
  })

  it('a managed playbook is refused with values that it does not take, each by its name, and with a state of its own', () => {
    const view = playbook([STATE, variableOf('api_port', { type: 'int', isRequired: true })])
    expect(faultsOf(view, { api_prt: 1 })).toEqual(['variables.api_prt', 'variables.api_port'])
    expect(faultsOf(view, { api_port: 'x' })).toEqual(['variables.api_port'])
    expect(faultsOf(view, { api_port: 1, api_state: 'absent' })).toEqual(['variables.api_state'])
  })
})
