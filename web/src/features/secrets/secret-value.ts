import { MAX_SECRET_BYTES } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'

export interface SecretDraft extends Record<string, unknown> {
  name: string
  value: string
  file: File | null
}

export const NO_SECRET: SecretDraft = { name: '', value: '', file: null }

const PIECE = 8192

/** Returns bytes in base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PIECE)
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  return btoa(text)
}

const toBytes = async ({ value, file }: SecretDraft): Promise<Uint8Array> =>
  file ? new Uint8Array(await file.arrayBuffer()) : new TextEncoder().encode(value)

/** Returns the value of a draft as the server takes it: the file as it is, or else the text in UTF-8. */
export const toData = async (draft: SecretDraft): Promise<string> => toBase64(await toBytes(draft))

/** Returns what is wrong with a value by field, before it is sent. */
export function faultsIn({ value, file }: SecretDraft): Record<string, string> {
  if (value !== '' && file) return { file: t('secrets.both') }
  if (value === '' && (!file || file.size === 0)) return { value: t('secrets.empty') }
  const bytes = file ? file.size : new TextEncoder().encode(value).length
  return bytes > MAX_SECRET_BYTES ? { [file ? 'file' : 'value']: t('secrets.tooLarge') } : {}
}
