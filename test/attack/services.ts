import { type Attack, unlessRefused } from './attack.ts'

const VALUE = 'a-value-of-a-variable'

/** A file of a service that no host fits, so that none is touched. */
const toFile = (project: string, tag: string) => `name: ${project}
services:
  web:
    image: registry.example/web:${tag}
    environment: {GREETING: ${VALUE}-${tag}}
    x-rollcall: {pull: host, place: {select: "env=theirs,never=1"}}
`

/** Attacks on services: other people's instances, files and values. */
export const SERVICES: readonly Attack[] = [
  {
    name: 'Somebody who is limited sees, changes or looks into a service of other hosts',
    async run(setting) {
      const found: string[] = []
      const project = setting.fresh('shop')
      const { plan } = await setting
        .person('operator')
        .call('planServices', { body: { text: toFile(project, '1') } })
      if (!plan) throw new Error('the file was refused')
      await setting.person('operator').call('applyServicePlan', { params: { id: plan.id } })
      const service = `/api/services/${project}%2Fweb`
      const callers = [
        setting.person('scoped viewer'),
        setting.person('scoped operator'),
        setting.keyOf('scoped operator'),
      ]
      for (const caller of callers) {
        const { body } = await caller.request('GET', '/api/services')
        if (JSON.stringify(body).includes(project)) found.push(`${caller.name}: the list shows ${project}`)
        const attempts = [
          ['GET', service, undefined],
          ['GET', `${service}/revisions`, undefined],
          ['GET', `${service}/events`, undefined],
          ['GET', `${service}/instances/1/why`, undefined],
          ['GET', `/api/service-plans/${plan.id}`, undefined],
          ['GET', `/api/service-plans/${plan.id}/text`, undefined],
          ['POST', `/api/service-plans/${plan.id}/apply`, {}],
          ['POST', '/api/service-plans', { text: toFile(project, '2') }],
          ['POST', `${service}/operations`, { action: 'stop' }],
          ['POST', `${service}/operations`, { action: 'remove' }],
          ['POST', `${service}/logs`, {}],
          ['POST', `${service}/instances/1/logs`, {}],
          ['POST', `${service}/instances/1/exec`, { argv: ['id'] }],
        ] as const
        for (const [method, path, sent] of attempts)
          found.push(
            ...unlessRefused(caller.name, `${method} ${path}`, await caller.request(method, path, sent)),
          )
      }
      return found
    },
  },
  {
    name: 'Somebody who may not change services reads values of their variables, or changes one',
    async run(setting) {
      const found: string[] = []
      const project = setting.fresh('values')
      const operator = setting.person('operator')
      let planId = ''
      for (const tag of ['1', '2']) {
        const { plan } = await operator.call('planServices', { body: { text: toFile(project, tag) } })
        if (!plan) throw new Error('the file was refused')
        await operator.call('applyServicePlan', { params: { id: plan.id } })
        planId = plan.id
      }
      const service = `/api/services/${project}%2Fweb`
      for (const caller of [setting.person('viewer'), setting.keyOf('viewer')]) {
        for (const path of ['/api/services', service, `${service}/revisions`, `${service}/events`]) {
          const { body } = await caller.request('GET', path)
          if (JSON.stringify(body).includes(VALUE)) found.push(`${caller.name}: ${path} shows a value`)
        }
        const attempts = [
          ['GET', `/api/service-plans/${planId}/text`, undefined],
          ['POST', '/api/service-plans', { text: toFile(project, '3') }],
          ['POST', `/api/service-plans/${planId}/apply`, {}],
          ['POST', `${service}/operations`, { action: 'stop' }],
          ['POST', `${service}/instances/1/exec`, { argv: ['id'] }],
        ] as const
        for (const [method, path, sent] of attempts)
          found.push(
            ...unlessRefused(caller.name, `${method} ${path}`, await caller.request(method, path, sent)),
          )
      }
      return found
    },
  },
]
