import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERRORS, type ErrorCode, isErrorCode, maySay, RollcallError } from '@rollcall/contracts'
import { type AgentHandlers, RPC_ERROR } from '@rollcall/contracts/agent'
import { expect, it } from 'vitest'
import { RpcAdapter } from './rpc-adapter.ts'

const silent = { info: () => undefined, error: () => undefined }
const SOURCES = fileURLToPath(new URL('../..', import.meta.url))

async function toAnswer(thrown: unknown) {
  const handlers = { get_port: () => Promise.reject(thrown) } as unknown as AgentHandlers
  const adapter = new RpcAdapter(handlers, 1, silent)
  const request = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'get_port', params: {} }))
  return adapter.answer(request, new AbortController().signal)
}

const RPC_CODES = {
  rejected: RPC_ERROR.rejected,
  unavailable: RPC_ERROR.unavailable,
  defect: RPC_ERROR.internal,
}

it.each(Object.entries(ERRORS))(
  'the error %s is answered with its code, kind and outcome',
  async (code, { kind }) => {
    expect(await toAnswer(new RollcallError(code as ErrorCode, 'why', { outcome: 'unknown' }))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: RPC_CODES[kind],
        message: 'why',
        data: { code, kind, outcome: 'unknown', fields: [] },
      },
    })
  },
)

it('an unexpected error is answered as a defect, without its message', async () => {
  const answer = await toAnswer(new Error('the password is hunter2'))
  expect(answer).toMatchObject({ error: { data: { code: 'agent.defect', outcome: 'unknown' } } })
  expect(JSON.stringify(answer)).not.toContain('hunter2')
})

it('the error codes in the sources of the agent are exactly those that servers accept from it', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'),
  )
  const codes = files.flatMap((file) =>
    [...readFileSync(join(SOURCES, file), 'utf8').matchAll(/'([a-z_]+\.[a-z_]+)'/g)]
      .map(([, text]) => text)
      .filter(isErrorCode),
  )
  expect([...new Set([...codes, 'agent.defect'])].sort()).toEqual(
    Object.keys(ERRORS)
      .filter((code) => maySay('agent', code))
      .sort(),
  )
})
