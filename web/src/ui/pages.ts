import type { Permission } from '@rollcall/contracts/admin'
import type { MessageKey } from '../i18n/index.tsx'
import type { IconName } from './icons.tsx'

export interface Page {
  to: string
  label: MessageKey
  icon: IconName
  needs?: Permission
}

export const PAGES: Page[] = [
  { to: '/', label: 'nav.fleet', icon: 'fleet', needs: 'hosts:read' },
  { to: '/run', label: 'nav.run', icon: 'run', needs: 'commands:run' },
  { to: '/runs', label: 'nav.runs', icon: 'runs', needs: 'commands:read' },
  { to: '/commands', label: 'nav.commands', icon: 'commands', needs: 'commands:read' },
  { to: '/playbooks', label: 'nav.playbooks', icon: 'playbooks', needs: 'playbooks:read' },
  { to: '/files', label: 'nav.files', icon: 'files', needs: 'files:read' },
  { to: '/schedules', label: 'nav.schedules', icon: 'schedules', needs: 'schedules:read' },
  { to: '/upgrades', label: 'nav.upgrades', icon: 'upgrades', needs: 'upgrades:read' },
  { to: '/terminals', label: 'nav.terminals', icon: 'terminals', needs: 'terminals:open' },
  { to: '/audit', label: 'nav.audit', icon: 'audit', needs: 'audit:read' },
  { to: '/users', label: 'nav.users', icon: 'users', needs: 'users:read' },
  { to: '/keys', label: 'nav.keys', icon: 'keys', needs: 'keys:read' },
  { to: '/settings', label: 'nav.settings', icon: 'settings', needs: 'profiles:read' },
]
