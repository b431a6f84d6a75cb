import { expect, it } from 'vitest'
import { z } from 'zod'
import { ansibleJob } from './playbooks.ts'

/** Run vitest with `-u` to write it anew after a change of the contract. */
const SCHEMA = '../../../playbooks/host/rollcall_host/job.schema.json'

it('the schema by which hosts check a job is that of the contract', async () => {
  await expect(`${JSON.stringify(z.toJSONSchema(ansibleJob), null, 2)}\n`).toMatchFileSnapshot(SCHEMA)
})
