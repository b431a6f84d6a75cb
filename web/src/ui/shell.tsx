import {
  ActionIcon,
  AppShell,
  Box,
  Burger,
  Button,
  Group,
  Kbd,
  NavLink,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { Link, Outlet, useLocation, useMatches } from '@tanstack/react-router'
import { Fragment, lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { live } from '../api/live.ts'
import { useSession } from '../api/session.ts'
import { t } from '../i18n/index.tsx'
import { NAVIGATION, type NavigationItem } from '../pages.ts'
import { Icon } from './icons.tsx'
import { useNow } from './moment.tsx'
import { NotYours } from './states.tsx'

// With what floats and what follows the focus, these are a fifth of the code that would be loaded first.
const UserMenu = lazy(() => import('./user-menu.tsx'))
const Palette = lazy(() => import('./palette.tsx'))
const Notifications = lazy(() => import('./notifications.tsx'))
const ICON_AND_NAME = { gap: 8, alignItems: 'center' }

export function Shell() {
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  useHotkeys([['mod+K', () => setPaletteOpen(true)]], [])
  const [isOpen, { toggle, close }] = useDisclosure(false)
  const { principal, version } = useSession()
  const { pathname } = useLocation()
  useFocusOnNavigation(pathname)
  const pages = NAVIGATION.filter(({ needs }) => !needs || principal?.permissions.includes(needs))
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('nav.menu')} />
            <Box component={Link} to="/" display="flex" td="none" c="inherit" style={ICON_AND_NAME}>
              <img src="/icon.svg" width={26} height={26} alt="" />
              <Text fw={700}>Rollcall</Text>
            </Box>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LiveIndicator />
            <Button
              variant="default"
              size="compact-sm"
              visibleFrom="sm"
              onClick={() => setPaletteOpen(true)}
              leftSection={<Icon name="search" size={14} />}
              rightSection={<Kbd size="xs">{t('palette.hint')}</Kbd>}
            >
              {t('palette.title')}
            </Button>
            <SchemeToggle />
            <Suspense fallback={<ActionIcon variant="default" disabled aria-hidden />}>
              <UserMenu />
            </Suspense>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('nav.menu')} style={{ overflowY: 'auto' }}>
        <Navigation pages={pages} onGo={close} />
        <Text size="xs" c="dimmed" mt="auto" px="sm">
          Rollcall {version}
        </Text>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
        <Allowed />
      </AppShell.Main>
      <Suspense>
        <Notifications position="bottom-right" />
        {isPaletteOpen && <Palette pages={pages} isOpen onClose={() => setPaletteOpen(false)} />}
      </Suspense>
    </AppShell>
  )
}

/** Draws the pages that the user may open, those of a group below its name. */
function Navigation({ pages, onGo }: { pages: readonly NavigationItem[]; onGo(): void }) {
  const { pathname } = useLocation()
  return pages.map(({ to, label, icon, group }, i) => (
    <Fragment key={to}>
      {group && group !== pages[i - 1]?.group && (
        <Text size="xs" fw={600} c="dimmed" mt="sm" mb={4} px="sm">
          {t(group)}
        </Text>
      )}
      <NavLink
        component={Link}
        to={to}
        label={t(label)}
        leftSection={<Icon name={icon} />}
        active={
          to === '/' ? pathname === '/' || pathname.startsWith('/hosts') : `${pathname}/`.startsWith(`${to}/`)
        }
        onClick={onGo}
      />
    </Fragment>
  ))
}

/** Draws the page for those who may use it; to others it shows no live fields and buttons. */
function Allowed() {
  const needs = useMatches({ select: (matches) => matches.at(-1)?.staticData.needs })
  const { principal } = useSession()
  return needs && !principal?.permissions.includes(needs) ? <NotYours permission={needs} /> : <Outlet />
}

/** Moves the focus to a page that was gone to, so that keyboards and screen readers start at its beginning. */
function useFocusOnNavigation(pathname: string) {
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    const main = document.getElementById('main')
    // A page that has put the focus somewhere itself knows better.
    if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true })
  }, [pathname])
}

function LiveIndicator() {
  const status = useSyncExternalStore(live.onStatus, () => live.status)
  const nowMs = useNow()
  const text =
    status.is === 'live'
      ? t('live.live')
      : status.is === 'connecting'
        ? t('live.connecting')
        : t('live.waiting', { seconds: Math.max(1, Math.ceil((status.untilMs - nowMs) / 1000)) })
  return (
    <Text
      size="xs"
      c={status.is === 'live' ? 'dimmed' : undefined}
      role="status"
      style={{ whiteSpace: 'nowrap' }}
    >
      <span aria-hidden style={{ color: status.is === 'live' ? 'var(--ok)' : 'var(--warn)' }}>
        ●
      </span>{' '}
      {text}
    </Text>
  )
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const next = scheme === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon variant="default" aria-label={t(`scheme.${next}`)} onClick={() => setColorScheme(next)}>
      <Icon name={scheme === 'dark' ? 'sun' : 'moon'} />
    </ActionIcon>
  )
}
