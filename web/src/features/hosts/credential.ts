import type { NewHostInput } from '@rollcall/contracts/admin'

/** Values of the fields for the credentials of a host. */
export const NO_SECRETS = {
  type: 'key' as 'key' | 'password',
  password: '',
  privateKey: '',
  passphrase: '',
  certificate: '',
  /** Besides the key, where a host asks for both. */
  secondPassword: '',
  sudoPassword: '',
}
export type Secrets = typeof NO_SECRETS
export const SECRET_FIELDS = Object.keys(NO_SECRETS) as (keyof Secrets)[]

export function toCredential(secrets: Secrets): NewHostInput['credential'] {
  const { type, password, privateKey, passphrase, certificate, secondPassword } = secrets
  if (type === 'password') return { type, password }
  return {
    type,
    privateKey,
    ...(passphrase && { passphrase }),
    ...(certificate.trim() && { certificate: certificate.trim() }),
    ...(secondPassword && { password: secondPassword }),
  }
}

/** Returns the fields of a form by the fields of a host that is added or changed. */
export const credentialFieldNames = ({ type }: Pick<Secrets, 'type'>) => ({
  'credential.privateKey': 'privateKey',
  'credential.passphrase': 'passphrase',
  'credential.certificate': 'certificate',
  // Beside a key it is the second thing that the host asks for.
  'credential.password': type === 'password' ? 'password' : 'secondPassword',
})

/** Returns the labels in a text such as `env=prod zone=a`. */
export function toLabels(text: string): Record<string, string> {
  const pairs = text.split(/[\s,]+/).filter(Boolean)
  return Object.fromEntries(
    pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  )
}

/** Tells whether a machine or its agent belongs to another host: it is taken on purpose only. */
export const isOfAnother = (code: string | null | undefined): boolean =>
  code === 'host.same_machine' || code === 'host.agent_taken'
