import type { RegistryImage } from '../../../images/index.ts'
import type { ContainerImage } from '../service.ts'

/** The images that references stood for at their registries when a plan was made; null where no registry has said so. */
export type AskedImages = Readonly<Record<string, RegistryImage | null>>

type Chosen = Pick<ContainerImage, 'digest' | 'variants'>

/** All that is known of an image that hosts pull themselves. */
export interface HostImageView {
  /** The digest that the file says. */
  named: string | null
  /** The server's image of that name; that of an archive has a manifest that no registry knows. */
  stored: (Chosen & { source: 'archive' | 'registry' }) | null
  /** The image of that name that the service has. */
  current: Chosen | null
  asked: RegistryImage | null
  takesNewer: boolean
}

/**
 * Decides what an image that hosts pull is. It stays what the service has, whatever its tag stands for by now, unless newer ones are
 * asked for. Pure.
 */
export function chooseHostImage(view: HostImageView): Chosen {
  const { named, stored, current, asked, takesNewer } = view
  if (takesNewer && asked) return asked
  const pulled = stored?.source === 'registry' ? stored : null
  return pulled ?? current ?? asked ?? stored ?? { digest: named, variants: [] }
}

/** Says that a tag stands for something newer than what a plan takes; null where it does not. Pure. */
export function toNewerNote(
  service: string,
  { ref, digest, source }: Omit<ContainerImage, 'container' | 'variants'>,
  asked: RegistryImage | null,
): string | null {
  if (asked === null || digest === null || asked.digest === digest) return null
  if (asked.variants.some((variant) => variant.digest === digest)) return null
  const remedy =
    source === 'host'
      ? 'plan with newer images (--newer-images)'
      : `have the server pull it by "rollcall image pull ${ref}", and plan again`
  return `${service}: its registry has a newer image of ${ref} (${asked.digest}); the plan keeps ${digest}. To change it, ${remedy}`
}

/** Says of which images it is not known what their tags stand for; null for none. Pure. */
export function toUnknownNote(refs: readonly string[], why: string): string | null {
  if (refs.length === 0) return null
  const more = refs.length - MAX_NAMED
  const named = refs.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return `whether there are newer images is not known of ${named}: ${why}`
}

const MAX_NAMED = 5
