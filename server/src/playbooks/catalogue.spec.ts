import { readdir } from 'node:fs/promises'
import { playbookView } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'
import { Catalogue } from './catalogue.ts'
import { validateVariables } from './domain/validate-variables.ts'

const catalogue = new Catalogue({ list: async () => [], find: async () => null })

describe('the playbooks that ship', () => {
  it('all shipped playbooks are readable, and each of their variables is described', async () => {
    const playbooks = await catalogue.list(null)
    expect(playbooks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['check_service', 'deploy_container']),
    )
    for (const playbook of playbooks) {
      expect(playbookView.parse(playbook)).toEqual(playbook)
      for (const { name, description } of playbook.variables) expect(description, name).not.toBe('')
    }
  })

  it('the defaults of shipped playbooks pass their own specs', async () => {
    for (const { name, variables } of await catalogue.list(null)) {
      const defaults = Object.fromEntries(
        variables.filter((each) => each.default !== undefined).map((each) => [each.name, each.default]),
      )
      const faults = validateVariables(variables, defaults).filter(
        ({ message }) => !message.startsWith('is missing'),
      )
      expect(faults, name).toEqual([])
    }
  })

  it('do not offer those that install and upgrade the agent', async () => {
    expect(await readdir(PLAYBOOKS_FOLDER)).toContain('install_agent.yml')
    await expect(catalogue.find('install_agent', null)).rejects.toMatchObject({ code: 'playbook.not_found' })
  })
})
