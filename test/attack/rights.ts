import { once } from 'node:events'
import { PERMISSIONS } from '@rollcall/contracts/admin'
import { WebSocket } from 'ws'
import { type Attack, unlessRefused } from './attack.ts'
import { Caller } from './caller.ts'
import type { AttackSetting } from './setting.ts'

/** A withdrawn right ends within five seconds; a busy machine has a little more. */
const ENDS_WITHIN_MS = 5000
const MAX_WAIT_MS = 3000

/** Attacks with withdrawn rights, and grants beyond one's own. */
export const RIGHTS: readonly Attack[] = [
  {
    name: 'A key goes on working when its owner is removed, disabled or demoted',
    async run(setting) {
      const found: string[] = []
      const change = async (what: string, act: (person: { id: string }) => Promise<unknown>) => {
        const person = await setting.newcomer('admin', null)
        const key = await setting.keyFor(person.caller, 'admin', null)
        const child = await childOf(setting, key)
        await act(person)
        for (const [who, caller] of [
          ['key', key],
          ['key of the key', child],
        ] as const)
          found.push(
            ...unlessRefused(
              `${who} of somebody ${what}`,
              'adding an admin',
              await addAdmin(setting, caller),
              401,
              403,
            ),
          )
      }
      await change('removed', ({ id }) => setting.root.call('removeUser', { params: { id } }))
      await change('disabled', ({ id }) => done(setting, id, { isDisabled: true }))
      await change('demoted', ({ id }) => done(setting, id, { role: 'viewer' }))
      await change('limited', ({ id }) => done(setting, id, { role: 'operator', scope: ['env=mine'] }))
      for (const path of ['/api/hosts', '/api/users', '/api/audit'])
        found.push(
          ...unlessRefused(
            'key of a removed owner',
            path,
            await setting.removedKey.request('GET', path),
            401,
          ),
        )
      return found
    },
  },
  {
    name: 'users:write and keys:write are ways to more than one has',
    async run(setting) {
      const found: string[] = []
      const { body } = await setting.root.request<{ secret: string }>('POST', '/api/keys', {
        name: setting.fresh('helpdesk'),
        permissions: ['users:read', 'users:write', 'keys:read', 'keys:write'],
      })
      const helpdesk = Caller.withKeyOf(
        'a key with users:write and keys:write',
        setting.server.url,
        body.secret,
      )
      const admin = setting.idOf('admin')
      const attempts = [
        ['POST', '/api/users', { email: `${setting.fresh('new')}@example.com`, name: 'x', role: 'admin' }],
        ['POST', `/api/users/${admin}/reset`, undefined],
        ['DELETE', `/api/users/${admin}`, undefined],
        ['POST', '/api/keys', { name: setting.fresh('more'), permissions: ['commands:run'] }],
        ['POST', '/api/keys', { name: setting.fresh('all'), permissions: PERMISSIONS }],
      ] as const
      for (const [method, path, input] of attempts)
        found.push(
          ...unlessRefused(
            helpdesk.name,
            `${method} ${path}`,
            await helpdesk.request(method, path, input),
            400,
            403,
          ),
        )
      for (const [who, change] of [
        ['viewer', { role: 'admin' }],
        ['scoped operator', { scope: null }],
        ['admin', { isDisabled: true }],
      ] as const)
        found.push(
          ...unlessRefused(
            helpdesk.name,
            `${JSON.stringify(change)} for the ${who}`,
            await setting.changeUser(helpdesk, setting.idOf(who), change),
            401,
            403,
          ),
        )
      return found
    },
  },
  {
    name: 'A live connection, or what is followed on it, goes on when the rights for it are gone',
    isPatient: true,
    async run(setting) {
      const found: string[] = []
      const [command] = await setting.api.run({
        hosts: ['mine'],
        program: 'sh',
        args: ['-c', 'while sleep 0.2; do date; done'],
      })
      if (!command) throw new Error('no command was begun')
      try {
        const cases = [
          ['disabled', { isDisabled: true }],
          ['limited to others', { scope: ['env=theirs'] }],
        ] as const
        for (const [what, change] of cases) {
          const person = await setting.newcomer('operator', ['env=mine'])
          const socket = new WebSocket(`${setting.server.url.replace('http', 'ws')}/ws`, {
            headers: { ...person.caller.headers },
          })
          socket.on('error', () => undefined)
          await once(socket, 'open')
          let last = 0
          socket.on('message', (text) => {
            if (/"type":"(output|fleet)"/.test(String(text))) last = Date.now()
          })
          socket.send(JSON.stringify({ type: 'follow', commandId: command.id, offset: 0 }))
          await waitFor(() => last > 0)
          await done(setting, person.id, change)
          const takenAt = Date.now()
          await new Promise((resolve) => setTimeout(resolve, ENDS_WITHIN_MS + MAX_WAIT_MS))
          if (last > takenAt + ENDS_WITHIN_MS + MAX_WAIT_MS / 2)
            found.push(`somebody ${what} was sent output ${last - takenAt} ms after`)
          socket.terminate()
        }
      } finally {
        await setting.root.request('POST', `/api/commands/${command.id}/cancel`)
      }
      return found
    },
  },
  {
    name: 'A schedule goes on with rights that its owner has no more',
    isPatient: true,
    async run(setting) {
      const person = await setting.newcomer('operator', null)
      const name = setting.fresh('every-minute')
      await person.caller.call('addSchedule', {
        body: {
          name,
          cron: '* * * * *',
          command: { program: 'touch', args: [`/root/${name}`] },
          target: { labels: ['env=mine'] },
        },
      })
      await done(setting, person.id, { role: 'viewer' })
      // Past the next full minute, and some seconds for the run itself.
      await new Promise((resolve) => setTimeout(resolve, 60_000 - (Date.now() % 60_000) + 8000))
      const { exitCode } = await setting.hosts.mine.exec(['test', '-e', `/root/${name}`])
      await setting.root.request('DELETE', `/api/schedules/${name}`)
      return exitCode === 0 ? ['a schedule ran for somebody who may only look now'] : []
    },
  },
]

async function done(setting: AttackSetting, id: string, change: object): Promise<void> {
  const { status, body } = await setting.changeUser(setting.root, id, change)
  if (status !== 200) throw new Error(`the change answered ${status}: ${JSON.stringify(body)}`)
}

async function childOf(setting: AttackSetting, parent: Caller): Promise<Caller> {
  const { secret } = await parent.call('addKey', {
    body: {
      name: setting.fresh('child'),
      permissions: ['hosts:read', 'users:read', 'users:write'],
      expiresInDays: null,
    },
  })
  return Caller.withKeyOf(`child of ${parent.name}`, setting.server.url, secret)
}

const addAdmin = (setting: AttackSetting, caller: Caller) =>
  caller.request('POST', '/api/users', {
    email: `${setting.fresh('planted')}@example.com`,
    name: 'planted',
    role: 'admin',
  })

async function waitFor(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('the output never came')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
