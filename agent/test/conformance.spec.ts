import { afterAll, beforeAll, describe } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'
import { describeConformance } from './fixtures/conformance.ts'

describe('the real agent keeps the contract', () => {
  let host: AgentHost
  beforeAll(async () => {
    host = await AgentHost.start()
  })
  afterAll(() => host.stop())
  describeConformance(() => host.client)
})
