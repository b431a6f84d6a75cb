import { describe, expect, it } from 'vitest'
import { ADMIN_ROUTES } from '../admin/index.ts'
import { ApiClient, type ApiRequest, type ApiResponse, toPath } from './api-client.ts'
import {
  ApiError,
  InvalidAnswerError,
  InvalidRequestError,
  isTransient,
  UnreachableError,
} from './api-error.ts'

const ID = '0b0e7f8a-0000-4000-8000-000000000001'
type Answer = { status: number; body: unknown } | Error

/** A client whose server gives one answer to everything. Returns what was sent too. */
function clientOf(answer: Answer, callTimeoutMs?: number) {
  const sent: ApiRequest<string>[] = []
  const client = new ApiClient<ApiResponse, string>(
    {
      async send(request) {
        sent.push(request)
        if (answer instanceof Error) throw answer
        const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
        return { status: answer.status, text: async () => text }
      },
      ...(callTimeoutMs !== undefined && { callTimeoutMs }),
    },
    (name) => ADMIN_ROUTES[name],
  )
  return { client, sent }
}
const refusal = (code: string, kind: string, fields: object[] = []) => ({
  error: { code, kind, message: 'No.', fields },
})
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

describe('the API client', () => {
  it('a call sends method, path, query and body of its route, and returns the parsed answer', async () => {
    const { client, sent } = clientOf({ status: 200, body: { runs: [] } })
    expect(await client.call('listRuns', { query: { limit: 5 } })).toEqual({ runs: [] })
    expect(sent).toEqual([{ method: 'GET', path: '/api/runs?limit=5', headers: {} }])
    const writing = clientOf({ status: 200, body: { nextOffset: 2 } })
    const input = { params: { id: ID }, body: { offset: 0, data: 'aGk=' } }
    expect(await writing.client.call('writeInput', input)).toEqual({ nextOffset: 2 })
    expect(writing.sent[0]).toMatchObject({
      method: 'POST',
      path: `/api/commands/${ID}/input`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input.body),
    })
  })

  it('a request that the contract refuses is not sent, and names every wrong field', async () => {
    const { client, sent } = clientOf({ status: 200, body: {} })
    const error = await caught(client.call('run', { body: { hosts: ['a'], program: '' } }))
    expect(error).toBeInstanceOf(InvalidRequestError)
    expect(error).toMatchObject({ code: 'request.invalid', status: 400, messages: { program: 'is needed' } })
    expect(sent).toEqual([])
  })

  it.each(['.', '..'])('a parameter "%s", which would name another path, is not sent', async (host) => {
    const { client, sent } = clientOf({ status: 200, body: {} })
    expect(await caught(client.call('showHost', { params: { host } }))).toBeInstanceOf(InvalidRequestError)
    expect(sent).toEqual([])
  })

  it('an error of the server keeps code, kind, status and fields', async () => {
    const fields = [{ field: 'hosts', message: 'unknown: a' }]
    const { client } = clientOf({ status: 404, body: refusal('host.not_found', 'rejected', fields) })
    const error = await caught(client.call('showHost', { params: { host: 'a' } }))
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      code: 'host.not_found',
      kind: 'rejected',
      status: 404,
      fields,
      message: 'No.',
    })
    expect(isTransient(error)).toBe(false)
  })

  it.each([
    ['a code of the catalogue that may pass', 'server.overloaded', 'unavailable', true],
    ['a code that may have had half its effect', 'command.unanswered', 'unavailable', false],
    ['a code of a later release', 'host.on_fire', 'unavailable', true],
    ['a defect', 'server.defect', 'defect', false],
  ])('%s is judged transient or not', async (_what, code, kind, expected) => {
    const { client } = clientOf({ status: 503, body: refusal(code, kind) })
    expect(isTransient(await caught(client.call('listHosts')))).toBe(expected)
  })

  it('an answer that the contract does not know is an error, and is not retried', async () => {
    const { client } = clientOf({ status: 200, body: { hosts: [{ name: 'a' }] } })
    const error = await caught(client.call('listHosts'))
    expect(error).toBeInstanceOf(InvalidAnswerError)
    expect(isTransient(error)).toBe(false)
  })

  it('an answer of a proxy is told from one of the server, and may pass unless it refuses', async () => {
    const away = await caught(clientOf({ status: 502, body: '<html>' }).client.call('listHosts'))
    expect(away).toBeInstanceOf(UnreachableError)
    expect(isTransient(away)).toBe(true)
    const refused = await caught(clientOf({ status: 404, body: '<html>' }).client.call('listHosts'))
    expect(refused).toMatchObject({ code: 'HTTP 404', kind: 'rejected' })
  })

  it('a broken connection is unreachable, and an aborted call throws the reason of its signal', async () => {
    const { client } = clientOf(new Error('ECONNRESET'))
    const error = await caught(client.call('listHosts'))
    expect(error).toBeInstanceOf(UnreachableError)
    expect(isTransient(error)).toBe(true)
    const reason = new Error('left')
    expect(await caught(client.call('listHosts', {}, AbortSignal.abort(reason)))).toBe(reason)
  })

  it('a call that takes too long is unreachable, and its request is aborted', async () => {
    const client = new ApiClient<ApiResponse>(
      {
        callTimeoutMs: 5,
        send: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason))
          }),
      },
      (name) => ADMIN_ROUTES[name],
    )
    expect(await caught(client.call('listHosts'))).toBeInstanceOf(UnreachableError)
  })

  it('readiness is an answer with 503 too, but an error with 503 is an error', async () => {
    const body = { status: 'not_ready', database: 'down', queue: 'up', warnings: [] }
    expect(await clientOf({ status: 503, body }).client.call('ready')).toEqual(body)
    const overloaded = clientOf({ status: 503, body: refusal('server.overloaded', 'unavailable') })
    expect(await caught(overloaded.client.call('ready'))).toMatchObject({ code: 'server.overloaded' })
  })

  it('bytes are uploaded unchanged, and opened answers are left unread', async () => {
    const sha256 = 'a'.repeat(64)
    const upload = clientOf({ status: 201, body: { sha256, size: 2 } })
    expect(await upload.client.upload('addContent', 'hi')).toEqual({ sha256, size: 2 })
    expect(upload.sent[0]).toMatchObject({
      body: 'hi',
      headers: { 'content-type': 'application/octet-stream' },
    })
    const { client } = clientOf({ status: 200, body: 'content' })
    const response = await client.open('readHostFile', { params: { host: 'a' }, query: { path: '/x' } })
    expect(await response.text()).toBe('content')
  })

  it('parameters and queries are escaped in a path', () => {
    const path = toPath(ADMIN_ROUTES.showPlaybook, {
      params: { playbook: 'mine/a b' },
      query: { a: 'x&y', b: undefined },
    })
    expect(path).toBe('/api/playbooks/mine%2Fa%20b?a=x%26y')
  })
})
