import type { Permission } from '@rollcall/contracts/admin'
import type { MessageKey } from './i18n/index.tsx'
import type { IconName } from './ui/icons.tsx'

/**
 * Everything that is known of a page before it is loaded. A page's file exports one as the literal `page`, beside its component as
 * the default: the build reads the one without the other.
 */
export interface PageEntry {
  path: string
  /** The permission without which the page denies access. */
  needs?: Permission
  /** Parameters of its address. */
  search?: readonly string[]
  /** Its entry in the navigation, by place from the top; those of one group follow each other, below its name. */
  nav?: { label: MessageKey; icon: IconName; place: number; group?: MessageKey }
}

/** Every page by its file. */
export const PAGES = import.meta.glob<PageEntry>('./features/*/*-page.tsx', {
  eager: true,
  query: '?page',
  import: 'page',
})

/** The modules that draw the pages, by the same files. */
export const COMPONENTS = import.meta.glob('./features/*/*-page.tsx')

export interface NavigationItem {
  to: string
  label: MessageKey
  icon: IconName
  needs: Permission | undefined
  group?: MessageKey
}

export const NAVIGATION: readonly NavigationItem[] = Object.values(PAGES)
  .flatMap(({ path, needs, nav }) => (nav ? [{ to: path, needs, ...nav }] : []))
  .toSorted((a, b) => a.place - b.place)
