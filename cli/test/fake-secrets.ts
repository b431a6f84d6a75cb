import { randomUUID } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import { base64Bytes, type SecretView } from '@rollcall/contracts/admin'
import type { Handlers } from './contract-server.ts'

/** Secrets of the fake server, which keeps one version of each. */
export class FakeSecrets {
  private readonly byName = new Map<string, { view: SecretView; data: string }>()

  readonly handlers: Handlers = {
    listSecrets: () => ({ secrets: [...this.byName.values()].map(({ view }) => view) }),
    setSecret: ({ body: { name, data } }) => {
      const before = this.byName.get(name)
      if (before?.data === data) return { secret: before.view, isChanged: false }
      const now = '2026-11-30T10:00:00.000Z'
      const secret: SecretView = {
        id: before?.view.id ?? randomUUID(),
        name,
        version: (before?.view.version ?? 0) + 1,
        bytes: base64Bytes(data),
        createdBy: 'local',
        createdAt: now,
        updatedAt: now,
        usedBy: before?.view.usedBy ?? [],
      }
      this.byName.set(name, { view: secret, data })
      return { secret, isChanged: true }
    },
    showSecret: ({ params }) => {
      const { view } = this.find(params.name)
      const { version, bytes, createdBy, createdAt, usedBy } = view
      return {
        secret: view,
        versions: [{ version, bytes, createdBy, createdAt, usedBy, fitsEnvironment: true }],
      }
    },
    removeSecret: ({ params }) => {
      const { view } = this.find(params.name)
      if (view.usedBy.length > 0)
        throw new RollcallError(
          'secret.in_use',
          `The secret ${view.name} is used by ${view.usedBy.join(', ')}.`,
        )
      this.byName.delete(view.name)
      return {}
    },
  }

  find(name: string): { view: SecretView; data: string } {
    const secret = this.byName.get(name)
    if (secret) return secret
    throw new RollcallError('secret.not_found', `There is no secret named ${name}.`)
  }
}
