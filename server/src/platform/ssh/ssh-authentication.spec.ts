import type { AnyAuthMethod } from 'ssh2'
import { describe, expect, it, vi } from 'vitest'
import { SshAuthentication } from './ssh-authentication.ts'

type KeyboardAuthMethod = Extract<AnyAuthMethod, { type: 'keyboard-interactive' }>

/** A host that asks for the password in a dialogue; resolves to what was said, or to the error's parts where nothing could be. */
async function dialogue(
  ...rounds: { name?: string; instructions?: string; prompts: { prompt: string; echo?: boolean }[] }[]
) {
  const authentication = new SshAuthentication('ops', { password: 'secret' }, async () => undefined)
  const next = (methods: string[] | null, isPartial: boolean | null) =>
    new Promise<AnyAuthMethod | false>((resolve) =>
      authentication.handler(
        methods as never,
        isPartial as never,
        ((method: AnyAuthMethod | false) => resolve(method)) as never,
      ),
    )
  const unanswerable = vi.fn()
  authentication.onUnanswerable = unanswerable
  await next(null, null)
  const method = (await next(['keyboard-interactive'], false)) as KeyboardAuthMethod
  const answers: string[][] = []
  for (const { name = '', instructions = '', prompts } of rounds)
    method.prompt(name, instructions, '', prompts as never, (said) => void answers.push(said))
  return {
    answers,
    words: authentication.messages,
    isStuck: unanswerable.mock.calls.length > 0,
    authentication,
    next,
  }
}

describe('a host that asks in a dialogue', () => {
  it.each(['Password: ', 'Passwort: ', "ops@web-1's password: ", '密码：'])(
    'a host that asks "%s" gets the password',
    async (prompt) => {
      const { answers, isStuck } = await dialogue({ prompts: [{ prompt, echo: false }] })
      expect(answers).toEqual([['secret']])
      expect(isStuck).toBe(false)
    },
  )

  it.each([
    ['a one-time code', [{ prompt: 'Verification code: ', echo: false }]],
    ['something that is shown while it is typed', [{ prompt: 'Your name: ', echo: true }]],
    [
      'two things at once',
      [
        { prompt: 'Password: ', echo: false },
        { prompt: 'PIN: ', echo: false },
      ],
    ],
    ['a new password', [{ prompt: 'New password: ', echo: false }]],
  ])('a host that asks for %s gets no answer, and its question is kept', async (_what, prompts) => {
    const { answers, isStuck, words } = await dialogue({ prompts })
    expect(answers).toEqual([])
    expect(isStuck).toBe(true)
    expect(words).toContain(prompts[0]?.prompt.trim())
  })

  it('a host gets the password once: its second question is another one', async () => {
    const { answers, words } = await dialogue(
      { prompts: [{ prompt: 'Password: ', echo: false }] },
      {
        instructions: 'You must change your password now.',
        prompts: [{ prompt: 'Password: ', echo: false }],
      },
    )
    expect(answers).toEqual([['secret']])
    expect(words).toContain('You must change your password now.')
  })

  it('a host that refuses the dialogue is not asked again', async () => {
    const { next, authentication } = await dialogue({ prompts: [{ prompt: 'Password: ', echo: false }] })
    expect(await next(['keyboard-interactive', 'password'], false)).toBe(false)
    expect(authentication.attempts).toEqual(['keyboard-interactive (with the password)'])
  })
})

describe('what a host says while one signs in', () => {
  it('words of a host during sign-in are kept from the first credential on, within bounds', async () => {
    const authentication = new SshAuthentication('ops', {}, async () => undefined)
    authentication.record('a banner for everybody')
    expect(authentication.messages).toBe('')
    const { authentication: later } = await dialogue()
    for (let times = 0; times < 100; times++) later.record('x'.repeat(1000))
    expect(later.messages.length).toBeLessThanOrEqual(2000)
  })
})
