import { useEffect } from 'react'

const PRODUCT = 'Rollcall'
const MAX_CHARS = 80
/** Nothing that acts, and nothing that turns text round, gets into the browser's own bars. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu

/** Returns the title of a page in the browser's tab and history. */
export function documentTitle(page: string): string {
  const text = page.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
  const short = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1)}\u2026` : text
  return short ? `${short} \u00b7 ${PRODUCT}` : PRODUCT
}

/** Names the tab after the page, so that several of them are told apart. */
export function useDocumentTitle(page: string): void {
  useEffect(() => {
    document.title = documentTitle(page)
  }, [page])
}
