import { afterAll, beforeAll, describe } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import { Fleet } from '../fleet/fleet.ts'
import { cancelStories } from './shared-fleet/cancel.ts'
import { fanOutStories } from './shared-fleet/fan-out.ts'
import { fileStories } from './shared-fleet/files.ts'
import { hostFactsStories } from './shared-fleet/host-facts.ts'
import { imageStories } from './shared-fleet/images.ts'
import { MAX_STORED_BYTES, rootLoginStories } from './shared-fleet/root-login.ts'
import { survivalStories } from './shared-fleet/survival.ts'
import { treeStories } from './shared-fleet/trees.ts'

const noBed = await whyNoBed()

/** Wide enough for any bed. */
const CALLERS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fd00::/8'

/** Five installations, four at a time, on a machine that is busy with other files. */
const INSTALLED_MS = 600_000

const REQUESTS = [
  { name: 'web-1', flavour: 'bookworm' },
  { name: 'web-2', flavour: 'podman' },
  { name: 'web-3', flavour: 'trixie' },
  { name: 'db-1', flavour: 'bookworm' },
  { name: 'db-2', flavour: 'bookworm' },
] as const
const [, , STRICT] = REQUESTS

describe.skipIf(noBed)(`a fleet of five hosts ${noBed ?? ''}`, () => {
  let fleet: Fleet | undefined
  beforeAll(async () => {
    fleet = await Fleet.open('shared-fleet', [...REQUESTS], {
      server: { env: { ROLLCALL_OUTPUT_BYTES: String(MAX_STORED_BYTES), ROLLCALL_AGENT_CALLERS: CALLERS } },
      add: ({ name }, index) => ({
        labels: { role: name.split('-')[0] ?? '', zone: index % 2 === 0 ? 'a' : 'b' },
      }),
      prepare: async (hosts) => {
        const strict = hosts.find(({ name }) => name === STRICT.name)
        await strict?.output(['sh', '-c', 'echo "UMASK 027" >> /etc/login.defs'])
        await strict?.output(['sh', '-c', 'echo "LANG=C.utf8" > /etc/default/locale'])
        await strict?.output(['sh', '-c', 'echo "http_proxy=http://proxy.test:3128" > /etc/environment'])
      },
    })
  }, INSTALLED_MS)
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  const opened = () => {
    if (!fleet) throw new Error('the fleet could not be opened')
    return fleet
  }
  const host = (name: (typeof REQUESTS)[number]['name']) => (): Host => opened().host(name)

  // First: an agent that has run nothing yet is part of it.
  hostFactsStories({ host: host('web-2'), bare: host('db-2') })
  rootLoginStories({ fleet: opened, plain: host('web-1'), strict: host('web-3') })
  fanOutStories(opened)
  cancelStories({ fleet: opened, host: host('db-2') })
  treeStories({ server: () => opened().server, host: host('db-2') })
  imageStories({ fleet: opened, host: host('web-2') })
  // Removes its host at the end.
  fileStories({ fleet: opened, host: host('db-2') })
  // Last: another server takes over its host.
  survivalStories({ fleet: opened, host: host('db-1') })
})
