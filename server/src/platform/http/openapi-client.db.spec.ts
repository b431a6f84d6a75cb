import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import openapiTS, { astToString } from 'openapi-typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestServer } from '../../testing/test-server.ts'
import { addTestHost } from '../testing/test-hosts.ts'

const run = promisify(execFile)
const IGNORED = fileURLToPath(new URL('../../../../.rollcall/', import.meta.url))
const TSC = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')

const client = (path: string) => `import createClient from 'openapi-fetch'
import type { paths } from './schema.ts'

const [, , baseUrl = '', key = ''] = process.argv
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } })
const { data, error } = await client.GET('${path}')
if (error) throw new Error(error.error.message)
console.log(JSON.stringify(data.hosts.map((host) => \`\${host.name} \${host.labels.env} \${host.state}\`)))
`

let server: TestServer
let folder: string

/** A client that somebody else would make: from nothing but the served document. */
beforeAll(async () => {
  server = await TestServer.open()
  for (const [name, env] of [
    ['a', 'prod'],
    ['b', 'test'],
  ] as const)
    await addTestHost(server.test.database, { name, labels: { env }, at: new Date() })
  // Within the repository, so that packages are found.
  await mkdir(IGNORED, { recursive: true })
  folder = await mkdtemp(join(IGNORED, 'openapi-client-'))
  const { json } = await server.ask('/api/openapi.json', { key: server.localKey })
  await writeFile(join(folder, 'schema.ts'), astToString(await openapiTS(json)))
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  if (folder) await rm(folder, { recursive: true, force: true })
})

async function compiled(name: string, source: string): Promise<string> {
  const file = join(folder, `${name}.ts`)
  await writeFile(file, source)
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2024', '--module', 'nodenext']
  const more = [
    '--allowImportingTsExtensions',
    '--exactOptionalPropertyTypes',
    '--types',
    'node',
    '--ignoreConfig',
  ]
  return run(process.execPath, [TSC, ...options, ...more, file]).then(
    () => '',
    ({ stdout }) => stdout as string,
  )
}

describe('a TypeScript client that is generated from the OpenAPI document', () => {
  it('compiles and lists the hosts of a running server', async () => {
    expect(await compiled('client', client('/api/hosts'))).toBe('')
    const { stdout } = await run(process.execPath, [join(folder, 'client.ts'), server.url, server.localKey])
    expect(JSON.parse(stdout)).toEqual(['a prod online', 'b test online'])
  })

  it('a generated TypeScript client does not compile with an unknown route', async () => {
    expect(await compiled('wrong', client('/api/hostz'))).toMatch(/wrong\.ts\(/)
  })
})
