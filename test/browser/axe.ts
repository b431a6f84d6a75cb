import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

type Impact = 'minor' | 'moderate' | 'serious' | 'critical'

/** Finds violations of accessibility of these impacts. Returns each with the markup that it is about. */
export async function findViolations(page: Page, impacts?: readonly Impact[]): Promise<string[]> {
  // A page without frames is read by one script; the other way opens a second page each time, to join what frames said.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations
    .filter(({ impact }) => !impacts || (impact && impacts.includes(impact)))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}
