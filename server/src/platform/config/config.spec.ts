import { expect, it } from 'vitest'
import { readConfig } from './config.ts'

const minimal = { ROLLCALL_ANSIBLE_BUNDLE: '/cache/ansible.tar.gz' }

it('listens on loopback only unless told otherwise', () => {
  expect(readConfig(minimal).listen).toEqual({ host: '127.0.0.1', port: 8420, isDefault: true })
  expect(readConfig({ ...minimal, ROLLCALL_LISTEN: '[::]:9000' }).listen).toEqual({
    host: '::',
    port: 9000,
    isDefault: false,
  })
})

it('takes an empty variable for a missing one', () => {
  expect(readConfig({ ...minimal, DATABASE_URL: '', REDIS_URL: '' })).toMatchObject({
    databaseUrl: undefined,
    redisUrl: undefined,
  })
})

it('names every variable that is wrong at once', () => {
  const wrong = {
    ...minimal,
    ROLLCALL_LISTEN: 'here',
    DATABASE_URL: 'mysql://x',
    ROLLCALL_DATA_DIR: 'relative',
  }
  expect(() => readConfig(wrong)).toThrow(
    /ROLLCALL_LISTEN.*DATABASE_URL|ROLLCALL_DATA_DIR.*ROLLCALL_LISTEN.*DATABASE_URL/,
  )
  expect(() => readConfig({ ...minimal, ROLLCALL_LISTEN: '127.0.0.1:70000' })).toThrow(/70000/)
})
