import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '@rollcall/contracts/admin'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Api } from '../fleet/api.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { DESK } from './chromium.ts'

export const PASSWORD = 'correct horse battery'
/** Matches root's prompt. The greeting of a login has a # too, and who types before the shell is there is not heard. */
export const PROMPT = /:\S*#/

/** Follows the link that a new server has printed, and becomes its admin. */
export async function becomeAdmin(server: ServerProcess, page: Page): Promise<void> {
  await page.goto((await readFile(join(server.dataDir, 'setup-link'), 'utf8')).trim())
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('Email address').fill('ada@example.com')
  await page.locator('input[name=password]').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create administrator' }).click()
  await page.getByRole('heading', { name: 'Fleet' }).waitFor()
}

export async function signIn(
  server: ServerProcess,
  page: Page,
  email: string,
  password = PASSWORD,
): Promise<void> {
  await page.goto(server.url)
  await page.getByLabel('Email address').fill(email)
  await page.locator('input[name=password]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Fleet' }).waitFor()
}

/** Adds a user who accepts the invitation. Returns a browser context of their own, signed in by the cookie of that answer. */
export async function addPerson(
  { api, browser, server }: { api: Api; browser: Browser; server: ServerProcess },
  { name, role, scope }: { name: string; role: Role; scope: string[] | null },
): Promise<BrowserContext> {
  const email = `${name}@example.com`
  const { link } = await api.call('addUser', { body: { email, name, role, scope } })
  const session = await acceptInvite(api, link)
  const context = await browser.newContext(DESK)
  await context.addCookies([{ ...session, url: server.url, httpOnly: true, sameSite: 'Strict' }])
  return context
}

/** Accepts an invitation with `PASSWORD`. Returns the cookie of the session that the answer begins; throws without one. */
export async function acceptInvite(api: Api, link: string): Promise<{ name: string; value: string }> {
  const token = link.split('#')[1]
  const { headers, status } = await api.request('POST', '/api/invites', { token, password: PASSWORD })
  const [cookie = ''] = headers.getSetCookie()
  const [, name, value] = /^([^=]+)=([^;]+)/.exec(cookie) ?? []
  if (!name || !value) throw new Error(`an invitation was answered by ${status} without a session`)
  return { name, value }
}
