import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PASSWORD, TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await TestServer.open()
})
afterAll(() => server?.[Symbol.asyncDispose]())

const post = (path: string, body: object, cookie?: string) =>
  server.ask(path, { method: 'POST', body, cookie })
const signIn = (email: string, password = PASSWORD) => post('/api/session', { email, password })
const counted = (codes: (string | undefined)[]) =>
  Object.fromEntries([...new Set(codes)].map((code) => [code, codes.filter((each) => each === code).length]))
const failuresOf = async (email: string) =>
  (await server.test.database.pool.query('SELECT failures FROM app_user WHERE email = $1', [email])).rows[0]
    .failures as number

async function withSecondFactor(email: string) {
  const { cookie } = await server.person(email, 'operator')
  const { secret } = (await post('/api/account/totp', { password: PASSWORD }, cookie)).json
  const totp = new TOTP({ secret: Secret.fromBase32(secret) })
  const { recoveryCodes } = (await post('/api/account/totp/confirm', { code: totp.generate() }, cookie)).json
  return { recoveryCodes: recoveryCodes as string[] }
}

it('a right password that awaits its code takes back its own attempt only', async () => {
  const email = 'half@example.com'
  await withSecondFactor(email)
  const { cookie } = await signIn(email)
  for (let i = 0; i < 3; i++)
    await post('/api/session/second-factor', { code: `00000${i}`, isRecoveryCode: false }, cookie)
  for (let i = 0; i < 3; i++) expect((await signIn(email)).status).toBe(200)
  expect(await failuresOf(email)).toBe(3)
})

// The address may fail fifty times in all, so that these keep below it.
it.each([false, true])(
  'codes sent at once are judged no more often than in sequence (recovery codes: %s)',
  async (isRecoveryCode) => {
    const email = `many-${isRecoveryCode}@example.com`
    const { recoveryCodes } = await withSecondFactor(email)
    const { cookie } = await signIn(email)
    const codes = Array.from({ length: 20 }, (_, i) =>
      isRecoveryCode ? `0000-0000-0000-00${10 + i}` : String(100_000 + i),
    )
    const guesses = codes.map((code) => post('/api/session/second-factor', { code, isRecoveryCode }, cookie))
    const answers = (await Promise.all(guesses)).map(({ code }) => code)
    expect(counted(answers)).toEqual({ 'access.code_wrong': 5, 'access.locked_out': 15 })
    const right = { code: recoveryCodes[0], isRecoveryCode: true }
    expect((await post('/api/session/second-factor', right, cookie)).code).toBe('access.locked_out')
  },
)

it('passwords sent at once are judged no more often than in sequence, and a right one is no failure', async () => {
  const email = 'passwords@example.com'
  const { cookie } = await server.person(email, 'operator')
  for (let i = 0; i < 8; i++) expect((await signIn(email)).status).toBe(200)
  expect(await failuresOf(email)).toBe(0)
  await Promise.all(Array.from({ length: 20 }, (_, i) => signIn(email, `wrong password ${i}`)))
  expect(await failuresOf(email)).toBe(5)
  // A lock of five failures is short, and over before a busy machine asks: each further failure makes it longer.
  const confirmAfterAFailure = async () => {
    await signIn(email, 'wrong password')
    return (await post('/api/account/totp', { password: PASSWORD }, cookie)).code
  }
  await expect.poll(confirmAfterAFailure).toBe('access.locked_out')
})
