import { Secret, TOTP } from 'otpauth'
import { type Attack, unlessRefused } from './attack.ts'
import { PASSWORD } from './setting.ts'

const INTERNAL = [
  '127.0.0.1',
  'localhost',
  '0.0.0.0',
  '::1',
  '::ffff:127.0.0.1',
  '169.254.169.254',
  'fd00:ec2::254',
  '2130706433',
  '0177.0.0.1',
  '0x7f.1',
]

/** Terminals, schedules, templates, second factors, and addresses that lead inside. */
export const WORK: readonly Attack[] = [
  {
    name: 'Somebody types into a terminal that another has opened, without joining it openly',
    async run(setting) {
      const { command } = await setting.person('operator').call('openTerminal', {
        params: { host: 'mine' },
        body: {
          columns: 80,
          rows: 24,
        },
      })
      const input = { data: Buffer.from('touch /root/typed\n').toString('base64'), offset: 0 }
      const found: string[] = []
      try {
        for (const caller of setting.everybody)
          if (caller !== setting.person('operator'))
            found.push(
              ...unlessRefused(
                caller.name,
                'typing',
                await caller.request('POST', `/api/commands/${command.id}/input`, input),
              ),
            )
        const { exitCode } = await setting.hosts.mine.exec(['test', '-e', '/root/typed'])
        if (exitCode === 0) found.push('what was typed has been carried out')
      } finally {
        await setting.root.request('POST', `/api/commands/${command.id}/cancel`)
      }
      return found
    },
  },
  {
    name: 'The ids of a schedule’s runs are taken in advance',
    isPatient: true,
    async run(setting) {
      const name = setting.fresh('guessed')
      const operator = setting.person('operator')
      await operator.call('addSchedule', {
        body: {
          name,
          cron: '* * * * *',
          command: { program: 'true' },
          target: { hosts: ['mine'] },
        },
      })
      await new Promise((resolve) => setTimeout(resolve, 60_000 - (Date.now() % 60_000) + 8000))
      const { schedules } = await operator.call('listSchedules')
      await setting.root.request('DELETE', `/api/schedules/${name}`)
      const text = JSON.stringify(schedules.find((each) => each.name === name))
      // An id that is made from the schedule and the time is of version 5 or 8; one that is drawn is of version 4.
      const ids = [
        ...text.matchAll(/[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g),
      ]
      return ids.filter(([, version]) => version !== '4').map(([id]) => `${id} is not drawn at random`)
    },
  },
  {
    name: 'A template in a variable of a playbook is carried out',
    async run(setting) {
      const { playbooks } = await setting.root.call('listPlaybooks')
      const found: string[] = []
      const check = playbooks.find(({ name }) => name.includes('check_service'))
      if (!check) throw new Error('the playbook check_service is not there')
      const marker = '/root/by-template'
      const template = `{{ lookup('pipe', 'touch ${marker}') }}`
      for (const plan of [false, true]) {
        const answer = await setting
          .person('operator')
          .request<{ commands?: { id: string }[] }>('POST', `/api/playbooks/${check.name}/run`, {
            hosts: ['mine'],
            variables: {
              check_service_name: template,
              check_service_url: template,
              check_service_address: template,
            },
            mode: plan ? 'plan' : 'run',
          })
        for (const { id } of answer.body.commands ?? []) await setting.api.ended(id)
        const { exitCode } = await setting.hosts.mine.exec(['test', '-e', marker])
        if (exitCode === 0) found.push(`${plan ? 'a plan' : 'a run'} carried out a template`)
      }
      return found
    },
  },
  {
    name: 'The server is used to look at addresses of its own machine or its provider',
    async run(setting) {
      const found: string[] = []
      for (const address of INTERNAL) {
        const scan = await setting.person('operator').request('POST', '/api/host-keys', { address, port: 22 })
        if (scan.status !== 400 && scan.status !== 403)
          found.push(
            `/api/host-keys of ${address} answered ${scan.status} ${JSON.stringify(scan.body).slice(0, 120)}`,
          )
        const host = address.includes(':') ? `[${address}]` : address
        const git = await setting.person('admin').request('POST', '/api/playbook-collections', {
          name: setting.fresh('inside'),
          source: { kind: 'git', url: `https://${host}/x.git`, commit: 'a'.repeat(40) },
        })
        if (git.status < 400) found.push(`a git source at ${address} was taken`)
      }
      return found
    },
  },
  {
    name: 'Second-factor codes that are tried at once are not counted',
    async run(setting) {
      const person = await setting.newcomer('operator', null)
      const { secret } = await person.caller.call('enrolTotp', {
        body: {
          password: PASSWORD,
        },
      })
      const totp = new TOTP({ secret: Secret.fromBase32(secret) })
      await person.caller.call('confirmTotp', { body: { code: totp.generate() } })
      const signIn = await setting.stranger.request('POST', '/api/session', {
        email: person.email,
        password: PASSWORD,
      })
      const cookie = signIn.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ')
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          setting.stranger.request(
            'POST',
            '/api/session/second-factor',
            { code: String(i).padStart(6, '0') },
            { cookie },
          ),
        ),
      )
      const judged = answers.filter(({ body }) => JSON.stringify(body).includes('access.code_wrong')).length
      return judged > 10 ? [`${judged} codes of 60 that came at once were judged`] : []
    },
  },
]
