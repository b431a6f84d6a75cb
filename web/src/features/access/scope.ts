import { t } from '../../i18n/index.tsx'

/** Returns the labels that a user or key is limited to, as the server takes them; null for all hosts. */
export const toScope = (text: string): string[] | null => (text.trim() ? [text.trim()] : null)

export const scopeText = (scope: readonly string[] | null): string => scope?.join(', ') ?? t('users.allHosts')
