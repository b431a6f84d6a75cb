import { expect, it } from 'vitest'
import { projectName, serviceName, serviceReference } from './admin/services/names.ts'

const ID = '0c5f9a7e-55a1-4d3e-9f5b-3a1d2b7c9e10'

it('a name in the form of an id is the name of no project and of no service, so that neither is taken for an id', () => {
  expect(projectName.safeParse(ID).success).toBe(false)
  expect(serviceName.safeParse(ID.toUpperCase()).success).toBe(false)
  for (const name of [`${ID}/web`, `shop/${ID}`]) expect(serviceReference.safeParse(name).success).toBe(false)
})

it('a reference names a service by its id, or by a project and a name that may be such', () => {
  for (const right of [ID, 'shop/web', 'shop/web.2', 'a_b-c/X'])
    expect([right, serviceReference.safeParse(right).success]).toEqual([right, true])
  for (const wrong of ['web', 'Shop/web', 'shop/we..b', 'shop/web.', 'shop/web/2', 'shop/%i', '../web'])
    expect([wrong, serviceReference.safeParse(wrong).success]).toEqual([wrong, false])
})
