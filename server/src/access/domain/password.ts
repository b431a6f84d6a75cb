import { RollcallError } from '@rollcall/contracts'

/** The most common long passwords. */
const COMMON =
  /^(?:(?:password|passw0rd|qwerty|rollcall|welcome|letmein|iloveyou|admin(?:istrator)?|changeme|abc|test)[\d\W_]*)+$/i

/**
 * Throws `access.weak_password` for passwords that are guessed first: common, repetitive, sequential or close to the
 * e-mail address.
 */
export function refuseWeakPassword(password: string, email: string, field: string): void {
  const plain = password.toLowerCase()
  const [own = ''] = email.split('@')
  const isRun = [...plain].every(
    (char, i, all) => i === 0 || char.charCodeAt(0) - (all[i - 1] ?? '').charCodeAt(0) === 1,
  )
  const why =
    new Set(plain).size < 5
      ? 'has too few different characters'
      : COMMON.test(plain) || isRun || /^(?:0123456789|1234567890)+\d*$/.test(plain)
        ? 'is too common'
        : plain.includes(email) || (own.length >= 4 && plain.replaceAll(own, '').length < 8)
          ? 'is too similar to the e-mail address'
          : null
  if (why === null) return
  throw new RollcallError(
    'access.weak_password',
    `The password ${why}. Choose another, such as four random words.`,
    {
      fields: [{ field, message: why }],
    },
  )
}
