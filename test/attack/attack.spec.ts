import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoBed } from '../bed/index.ts'
import { Attempts } from './attempts.ts'
import { ATTACKS } from './registry.ts'
import { AttackSetting } from './setting.ts'

const reason = await whyNoBed()

describe.skipIf(reason !== undefined)(
  `attacks on a real server and its hosts${reason ? ` (${reason})` : ''}`,
  () => {
    let setting: AttackSetting
    let attempts: Attempts
    beforeAll(async () => {
      setting = await AttackSetting.open()
      attempts = new Attempts(ATTACKS, setting, { isShort: true })
    })
    afterAll(() => setting?.[Symbol.asyncDispose]())

    it.each(ATTACKS.map((attack) => [attack.name, attack] as const))(
      'the server refuses this attack: %s',
      async (_name, attack) => {
        expect(await attempts.result(attack)).toEqual([])
      },
    )
  },
)
