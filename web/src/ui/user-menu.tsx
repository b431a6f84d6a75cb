import { ActionIcon, Menu } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { announceSignedOut, call } from '../api/client.ts'
import { useSession } from '../api/session.ts'
import { LANGUAGES, type Language, setLanguage, t } from '../i18n/index.tsx'
import { useRequest } from './use-request.ts'

/** Offers what concerns the one who is signed in. */
export default function UserMenu() {
  const { principal } = useSession()
  const navigate = useNavigate()
  const signOut = useRequest(() => call('signOut', {}), { onSent: announceSignedOut, isFailureShown: true })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={t('account.menu')}>
          {principal?.name.slice(0, 1).toUpperCase()}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{principal?.name}</Menu.Label>
        <Menu.Item onClick={() => navigate({ to: '/account' })}>{t('account.title')}</Menu.Item>
        <Menu.Divider />
        {(Object.keys(LANGUAGES) as Language[]).map((language) => (
          <Menu.Item key={language} lang={language} onClick={() => void setLanguage(language)}>
            {LANGUAGES[language]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => signOut.mutate()}>{t('account.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
