import type { Permission } from '@rollcall/contracts/admin'
import type { MessageKey } from '../i18n/index.tsx'

export interface Page {
  to: string
  label: MessageKey
  icon: string
  needs?: Permission
}

export const PAGES: Page[] = [
  { to: '/', label: 'nav.fleet', icon: '▦', needs: 'hosts:read' },
  { to: '/run', label: 'nav.run', icon: '▶', needs: 'commands:run' },
  { to: '/runs', label: 'nav.runs', icon: '≡', needs: 'commands:read' },
  { to: '/commands', label: 'nav.commands', icon: '❯', needs: 'commands:read' },
  { to: '/schedules', label: 'nav.schedules', icon: '◷', needs: 'schedules:read' },
  { to: '/terminals', label: 'nav.terminals', icon: '▣', needs: 'terminals:open' },
  { to: '/audit', label: 'nav.audit', icon: '✎', needs: 'audit:read' },
  { to: '/users', label: 'nav.users', icon: '☺', needs: 'users:read' },
  { to: '/keys', label: 'nav.keys', icon: '✱', needs: 'keys:read' },
  { to: '/settings', label: 'nav.settings', icon: '⚙', needs: 'profiles:read' },
]
