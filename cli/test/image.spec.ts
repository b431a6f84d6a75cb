import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import type { ImagePullView, ImageView } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { atTerminal, hasScript } from './at-terminal.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const DIGEST = `sha256:${'ab'.repeat(32)}`
const NAME = 'registry.lan/shop/web:2.4'

const view = (more: Partial<ImageView> = {}): ImageView => ({
  id: randomUUID(),
  name: NAME,
  repository: 'registry.lan/shop/web',
  tag: '2.4',
  digest: DIGEST,
  source: 'archive',
  bytes: 3_000_000,
  variants: [{ architecture: 'amd64', digest: DIGEST, bytes: 3_000_000, layers: 2 }],
  usedBy: [],
  spares: [],
  isHere: true,
  addedBy: 'ada',
  addedAt: '2026-03-01T10:00:00.000Z',
  ...more,
})
const file = async (name: string, content: string) => {
  const path = join(setting.server.dataDir, name)
  await writeFile(path, content)
  return path
}
const sent = (route: string) => setting.server.requests.find(({ name }) => name === route)

describe('rollcall image add', () => {
  it('rollcall image add sends a file, or standard input, unchanged and with the name that is given', async () => {
    let content = ''
    setting.server.handlers.addImages = (request) => {
      content = request.content.toString()
      return { images: [view()] }
    }
    const path = await file('web.tar', 'the archive')
    const { exitCode, stdout } = await setting.ended(['image', 'add', path, '--ref', NAME])
    expect([exitCode, stdout, content]).toEqual([0, `${NAME} ${DIGEST}\n`, 'the archive'])
    expect(sent('addImages')?.query).toEqual({ ref: NAME })
    await setting.ended(['image', 'add', '-'], { input: 'from a pipe' })
    expect(content).toBe('from a pipe')
  })

  it('rollcall image add refuses what is no file before anything is sent', async () => {
    const { exitCode, stderr } = await setting.ended(['image', 'add', '/nowhere/web.tar'])
    expect([exitCode, setting.server.requests]).toEqual([2, []])
    expect(stderr).toContain('/nowhere/web.tar cannot be read')
  })
})

it.skipIf(!hasScript)(
  'rollcall image add - at a terminal says what to pipe, and waits for nothing',
  async () => {
    const shown = await atTerminal(setting.server.dataDir, ['image', 'add', '-']).ended()
    expect(shown).toContain('docker save IMAGE | rollcall image add -')
    expect(shown).toContain('code=2')
    expect(setting.server.requests).toEqual([])
  },
)

describe('rollcall image pull', () => {
  const pullView = (id: string, more: Partial<ImagePullView>): ImagePullView => ({
    id,
    ref: NAME,
    state: 'running',
    bytes: 0,
    totalBytes: null,
    imageId: null,
    reasonCode: null,
    reason: null,
    requestedBy: 'ada',
    createdAt: '2026-03-01T10:00:00.000Z',
    endedAt: null,
    ...more,
  })

  it('rollcall image pull waits for the end, and says which digest came', async () => {
    const image = view({ source: 'registry' })
    let asked = 0
    setting.server.handlers.pullImage = ({ body }) => ({ pull: pullView(body.pullId ?? '', {}) })
    setting.server.handlers.showImagePull = ({ params }) => ({
      pull: pullView(params.id, ++asked < 2 ? {} : { state: 'success', imageId: image.id }),
    })
    setting.server.handlers.showImage = () => ({ image })
    const { exitCode, stdout } = await setting.ended(['image', 'pull', NAME])
    expect([exitCode, stdout, asked]).toEqual([0, `${NAME} ${DIGEST}\n`, 2])
  })

  it('rollcall image pull fails with the reason and code of the pull', async () => {
    const failed = {
      state: 'failed',
      reasonCode: 'registry.credentials_refused',
      reason: 'Wrong password.',
    } as const
    setting.server.handlers.pullImage = ({ body }) => ({ pull: pullView(body.pullId ?? '', {}) })
    setting.server.handlers.showImagePull = ({ params }) => ({ pull: pullView(params.id, failed) })
    const { exitCode, stderr } = await setting.ended(['image', 'pull', NAME])
    expect([exitCode, stderr]).toEqual([1, 'error: Wrong password. (registry.credentials_refused)\n'])
  })
})

describe('rollcall image send', () => {
  it('rollcall image send sends to each host in turn, and stops at the first that refuses', async () => {
    setting.server.handlers.sendImage = ({ params }) => {
      if (params.host === 'away') throw new RollcallError('agent.unreachable', 'The agent is away.')
      return { digest: DIGEST, sentBytes: 3_000_000 }
    }
    const hosts = ['web-1', 'away', 'web-2'].flatMap((host) => ['--host', host])
    const { exitCode, stderr } = await setting.ended(['image', 'send', NAME, ...hosts])
    expect([exitCode, stderr]).toEqual([1, 'error: The agent is away. (agent.unreachable)\n'])
    const asked = setting.server.requests.map(({ params, body }) => [params.host, body.ref])
    expect(asked).toEqual([
      ['web-1', NAME],
      ['away', NAME],
    ])
    const { stdout } = await setting.ended(['image', 'send', NAME, '--host', 'web-1'])
    expect(stdout).toBe(`web-1 ${DIGEST} sent 2.9 MiB\n`)
  })
})

describe('rollcall image prune', () => {
  it('rollcall image prune says of each host what it has removed, and what it keeps and why', async () => {
    setting.server.handlers.pruneHostImages = ({ params }) =>
      params.host === 'web-1'
        ? {
            removed: [{ digest: DIGEST, name: NAME }],
            kept: [{ digest: DIGEST, name: null, why: 'used by a container' }],
          }
        : { removed: [], kept: [] }
    const hosts = ['--host', 'web-1', '--host', 'web-2']
    const { exitCode, stdout } = await setting.ended(['image', 'prune', ...hosts, '--older-than', '0'])
    expect([exitCode, stdout]).toEqual([
      0,
      `web-1 removed ${NAME}\nweb-1 keeps ${DIGEST}: used by a container\nweb-2 has nothing that it does not need\n`,
    ])
    expect(setting.server.requests.map(({ body }) => body)).toEqual([
      { olderThanHours: 0 },
      { olderThanHours: 0 },
    ])
  })
})

describe('rollcall image list, show and remove', () => {
  it('list and show tell size, architectures, users and spare copies of an image, and remove takes it by its name', async () => {
    const copies = [
      { service: 'shop/web', host: 'app-4', state: 'there' as const },
      { service: 'shop/web', host: 'app-5', state: 'waiting' as const },
    ]
    const image = view({ usedBy: ['shop/web'], spares: copies })
    setting.server.handlers.listImages = ({ query }) => ({
      images: query.ref === undefined || query.ref === NAME ? [image] : [],
    })
    setting.server.handlers.removeImage = () => ({})
    const list = await setting.ended(['image', 'list'])
    expect(list.stdout).toMatch(/^registry\.lan\/shop\/web:2\.4 +2\.9 MiB +amd64 +archive .+ shop\/web$/m)
    const { stdout: shown } = await setting.ended(['image', 'show', NAME])
    expect(shown).toContain(DIGEST)
    expect(shown).toContain('app-4 (shop/web), app-5 (shop/web, waiting)')
    expect(await setting.ended(['image', 'remove', NAME])).toMatchObject({ exitCode: 0 })
    expect(sent('removeImage')?.params).toEqual({ id: image.id })
    const missing = await setting.ended(['image', 'remove', 'other:1'])
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('rollcall image list') })
  })
})

describe('rollcall registry', () => {
  const added = () => sent('addRegistry')?.body

  it('takes the password from standard input or a file only, and prints it nowhere', async () => {
    setting.server.handlers.addRegistry = ({ body: { password: _, ca, ...rest } }) => ({
      registry: { ...rest, hasCa: ca !== null, addedBy: 'ada', addedAt: '2026-03-01T10:00:00.000Z' },
      isNew: true,
    })
    const ca = await file('ca.pem', 'PEM')
    const args = [
      'registry',
      'add',
      'registry.lan:5000',
      '--user',
      'ada',
      '--mirror',
      'm.lan/hub',
      '--ca',
      ca,
    ]
    const piped = await setting.ended([...args, '--password-stdin'], { input: 's3cret\n' })
    expect(added()).toEqual({
      host: 'registry.lan:5000',
      username: 'ada',
      password: 's3cret',
      mirrors: ['m.lan/hub'],
      plainHttp: false,
      ca: 'PEM',
    })
    setting.server.requests.splice(0)
    const read = await setting.ended([...args, '--password-file', await file('password', 's3cret\n')])
    expect(added()?.password).toBe('s3cret')
    for (const { exitCode, stdout, stderr } of [piped, read])
      expect([exitCode, `${stdout}${stderr}`.includes('s3cret')]).toEqual([0, false])
  })

  it.each([
    [['--user', 'ada'], '--password-file or --password-stdin'],
    [['--password-stdin'], 'give --user'],
    [['--user', 'ada', '--password-stdin', '--password-file', 'x'], 'Choose one of'],
  ])('rollcall registry add with %j is refused with the remedy', async (args, said) => {
    const { exitCode, stderr } = await setting.ended(['registry', 'add', 'registry.lan', ...args])
    expect([exitCode, setting.server.requests]).toEqual([2, []])
    expect(stderr).toContain(said)
  })
})
