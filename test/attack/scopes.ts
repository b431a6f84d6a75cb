import { type Attack, unlessRefused } from './attack.ts'

/** Attacks on what lies outside a scope: other people's objects, other hosts' labels. */
export const SCOPES: readonly Attack[] = [
  {
    name: 'Somebody who is limited sees, changes or runs what reaches beyond',
    async run(setting) {
      const found: string[] = []
      const saved = setting.fresh('for-theirs')
      await setting.person('operator').call('addSavedCommand', {
        body: {
          name: saved,
          program: 'echo',
          env: { TOKEN: 'sealed-value' },
          target: { labels: ['env=theirs'] },
        },
      })
      const schedule = setting.fresh('on-theirs')
      await setting.person('operator').call('addSchedule', {
        body: {
          name: schedule,
          cron: '0 0 1 1 *',
          command: { program: 'true' },
          target: { hosts: ['theirs'] },
        },
      })
      const callers = [
        setting.person('scoped viewer'),
        setting.person('scoped operator'),
        setting.keyOf('scoped operator'),
      ]
      for (const caller of callers) {
        for (const path of [
          '/api/saved-commands',
          '/api/schedules',
          '/api/runs',
          '/api/commands',
          '/api/hosts',
          '/api/agents',
          '/api/transfers',
        ]) {
          const { body } = await caller.request('GET', path)
          const text = JSON.stringify(body)
          for (const name of [saved, schedule, '"theirs"'])
            if (text.includes(name)) found.push(`${caller.name}: ${path} shows ${name}`)
        }
        const attempts = [
          ['PATCH', `/api/saved-commands/${saved}`, { target: { labels: ['env=mine'] } }],
          ['POST', `/api/saved-commands/${saved}/run`, {}],
          ['POST', `/api/saved-commands/${saved}/run`, { target: { hosts: ['mine'] } }],
          ['DELETE', `/api/saved-commands/${saved}`, undefined],
          ['PATCH', `/api/schedules/${schedule}`, { target: { hosts: ['mine'] } }],
          ['DELETE', `/api/schedules/${schedule}`, undefined],
          ['POST', '/api/runs', { hosts: ['theirs'], program: 'true' }],
          ['POST', '/api/runs', { hosts: [(await setting.host('theirs')).id], program: 'true' }],
          ['POST', '/api/hosts/theirs/terminals', { columns: 80, rows: 24 }],
          ['GET', '/api/hosts/theirs/file?path=/etc/hostname', undefined],
          ['DELETE', '/api/hosts/theirs?forget=true', undefined],
          ['PATCH', '/api/hosts/theirs', { labels: { env: 'mine' } }],
        ] as const
        for (const [method, path, body] of attempts)
          found.push(
            ...unlessRefused(caller.name, `${method} ${path}`, await caller.request(method, path, body)),
          )
      }
      return found
    },
  },
  {
    name: 'A saved command with sealed values is pointed at a host that shows them',
    async run(setting) {
      const name = setting.fresh('sealed')
      await setting.person('operator').call('addSavedCommand', {
        body: {
          name,
          program: 'true',
          env: { TOKEN: 'sealed-value' },
          target: { labels: ['env=theirs'] },
        },
      })
      const found: string[] = []
      for (const caller of [setting.person('operator'), setting.keyOf('operator')])
        for (const change of [
          { target: { hosts: ['mine'] } },
          { program: 'env' },
          { args: ['x'] },
          { cwd: '/tmp' },
        ])
          found.push(
            ...unlessRefused(
              caller.name,
              `changing ${Object.keys(change)} without its values`,
              await caller.request('PATCH', `/api/saved-commands/${name}`, change),
            ),
          )
      return found
    },
  },
  {
    name: 'A host is labelled into somebody else’s target, or out of the scope of whoever labels it',
    async run(setting) {
      const found: string[] = []
      for (const caller of [setting.person('scoped operator'), setting.keyOf('scoped operator')]) {
        for (const labels of [{ env: 'theirs' }, {}])
          found.push(
            ...unlessRefused(
              caller.name,
              `labels ${JSON.stringify(labels)}`,
              await caller.request('PATCH', '/api/hosts/mine', { labels }),
            ),
          )
        for (const labels of [{}, { env: 'theirs' }] as Record<string, string>[])
          found.push(
            ...unlessRefused(
              caller.name,
              `adding a host with labels ${JSON.stringify(labels)}`,
              await caller.request(
                'POST',
                '/api/hosts',
                await setting.newHost(setting.fresh('labelled'), { labels }),
              ),
            ),
          )
      }
      return found
    },
  },
]
