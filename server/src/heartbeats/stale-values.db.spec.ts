import { HOST_STATES } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await TestServer.open()
})
afterAll(() => server?.[Symbol.asyncDispose]())

it('values of a host are told as its last ones in every state in which it does not answer, in the list and alone', async () => {
  const at = new Date('2026-11-30T09:00:00Z')
  for (const state of HOST_STATES) {
    const name = state.replaceAll('_', '-')
    await addTestHost(server.test.database, { name, at })
    await server.test.database.pool.query('UPDATE host SET state = $2 WHERE name = $1', [name, state])
  }
  const ask = async (path: string) => (await server.ask(path, { key: server.localKey })).json
  const { agents } = await ask('/api/agents')
  expect(agents).toHaveLength(HOST_STATES.length)
  for (const { host, state, areValuesStale } of agents) {
    expect({ state, areValuesStale }).toEqual({
      state,
      areValuesStale: !['online', 'degraded'].includes(state),
    })
    expect((await ask(`/api/hosts/${host}/status`)).areValuesStale).toBe(areValuesStale)
  }
})
