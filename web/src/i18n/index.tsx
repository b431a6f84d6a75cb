import { useSyncExternalStore } from 'react'
import { en } from './en.ts'

export type MessageKey = keyof typeof en
type Catalogue = Record<MessageKey, string>
export type Language = 'en' | 'zh-CN'
/** Read when it is wanted. */
const READ: Record<Language, () => Promise<Catalogue>> = {
  en: async () => en,
  'zh-CN': async () => (await import('./zh-cn.ts')).zhCn,
}
export const LANGUAGES: Record<Language, string> = { en: 'English', 'zh-CN': '简体中文' }

const STORED = 'rollcall.language'
const listeners = new Set<() => void>()

function firstLanguage(): Language {
  const stored = globalThis.localStorage?.getItem(STORED)
  if (stored && Object.hasOwn(LANGUAGES, stored)) return stored as Language
  return globalThis.navigator?.language.startsWith('zh') ? 'zh-CN' : 'en'
}

let language: Language = 'en'
let catalogue: Catalogue = en

async function become(next: Language): Promise<void> {
  catalogue = await READ[next]()
  language = next
  document.documentElement.lang = next
}

/** The language that was chosen before, or else the browser's. */
export const startLanguage = (): Promise<void> => become(firstLanguage())

export async function setLanguage(next: Language): Promise<void> {
  await become(next)
  localStorage.setItem(STORED, next)
  for (const listener of listeners) listener()
}

export const useLanguage = (): Language =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => language,
  )

/** `{name}`, or `{count:host|hosts}`: the first for one of them, the second for any other number. */
const PLACE = /\{(\w+)(?::([^|{}]*)\|((?:[^{}]|\{\w+\})*))?\}/g

/**
 * Returns a message of the catalogue in the person's language, with values in place of `{name}` and the form that fits a
 * number in place of `{name:one|many}`. The page is drawn anew on a switch.
 */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return filled(catalogue[key], values)
}

export function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(PLACE, (whole, name: string, one?: string, many?: string) => {
    const value = values[name]
    if (value === undefined) return whole
    if (one === undefined || many === undefined) return String(value)
    return Number(value) === 1 ? one : filled(many, values)
  })
}
