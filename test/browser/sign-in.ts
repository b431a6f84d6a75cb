import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { ServerProcess } from '../fleet/server-process.ts'

export const PASSWORD = 'correct horse battery'

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
