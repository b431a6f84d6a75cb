import { type Attack, unlessRefused } from './attack.ts'

/** Names that look like ids, and ids where names belong. */
export const IDENTITIES: readonly Attack[] = [
  {
    name: 'A host that is named like the id of a foreign host gets that host’s secrets',
    async run(setting) {
      const theirs = await setting.host('theirs')
      const found: string[] = []
      for (const name of [theirs.id, theirs.id.toUpperCase()])
        for (const caller of [
          setting.person('scoped operator'),
          setting.keyOf('scoped operator'),
          setting.person('operator'),
        ])
          found.push(
            ...unlessRefused(
              caller.name,
              `adding a host named ${name}`,
              await caller.request('POST', '/api/hosts', await setting.newHost(name)),
              400,
            ),
          )
      return found
    },
  },
  {
    name: 'Something else that has a name takes that of an id',
    async run(setting) {
      const { id } = await setting.host('theirs')
      const operator = setting.person('operator')
      const admin = setting.person('admin')
      const command = { program: 'true' }
      const attempts = [
        [operator, '/api/saved-commands', { name: id, ...command, target: { hosts: ['mine'] } }],
        [operator, '/api/schedules', { name: id, cron: '0 0 1 1 *', command, target: { hosts: ['mine'] } }],
        [operator, '/api/heartbeat-profiles', { name: id, minMs: 20_000, maxMs: 60_000 }],
        [admin, '/api/keys', { name: id, permissions: ['hosts:read'] }],
        [
          admin,
          '/api/playbook-collections',
          { name: id, source: { kind: 'git', url: 'https://192.0.2.1/x.git', commit: 'a'.repeat(40) } },
        ],
      ] as const
      const found: string[] = []
      for (const [caller, path, body] of attempts) {
        const answer = await caller.request<{ error?: { fields: { field: string }[] } }>('POST', path, body)
        // For its name, and for nothing else that would be wrong with it.
        const fields = answer.body.error?.fields.map(({ field }) => field) ?? []
        if (answer.status !== 400 || fields.join() !== 'name')
          found.push(
            `${caller.name}: ${path} with the name of an id answered ${answer.status} ${JSON.stringify(answer.body)}`,
          )
      }
      return found
    },
  },
  {
    name: 'Whoever is limited learns by an answer whether a foreign host, command or run exists',
    async run(setting) {
      const theirs = await setting.host('theirs')
      const [command] = await setting.api.run({ hosts: ['theirs'], program: 'true' })
      const nothing = '00000000-0000-4000-8000-000000000000'
      const pairs = [
        ['/api/hosts/theirs', '/api/hosts/nowhere'],
        [`/api/hosts/${theirs.id}`, `/api/hosts/${nothing}`],
        ['/api/hosts/theirs/status', '/api/hosts/nowhere/status'],
        ['/api/commands?host=theirs', '/api/commands?host=nowhere'],
        [`/api/commands?before=${command?.id}`, `/api/commands?before=${nothing}`],
        [`/api/commands/${command?.id}`, `/api/commands/${nothing}`],
        [`/api/commands/${command?.id}/output`, `/api/commands/${nothing}/output`],
        [`/api/runs/${command?.runId}`, `/api/runs/${nothing}`],
      ] as const
      const plain = (body: unknown) =>
        JSON.stringify(body).replaceAll(/theirs|nowhere|[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')
      const found: string[] = []
      for (const caller of [setting.person('scoped viewer'), setting.keyOf('scoped operator')])
        for (const [real, invented] of pairs) {
          const [first, second] = [await caller.request('GET', real), await caller.request('GET', invented)]
          if (first.status !== second.status || plain(first.body) !== plain(second.body))
            found.push(
              `${caller.name}: ${real} answers ${first.status} ${plain(first.body).slice(0, 200)}, ${invented} ${second.status} ${plain(second.body).slice(0, 200)}`,
            )
        }
      return found
    },
  },
]
