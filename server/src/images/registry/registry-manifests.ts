import { RollcallError } from '@rollcall/contracts'
import { chooseManifests, isIndex, isManifest, noVariant, parseIndex } from '../domain/manifest.ts'
import type { RegistryPlace } from '../domain/registry.ts'
import type { FetchedManifest, RegistryClient } from './registry-client.ts'
import { refused } from './registry-http.ts'

/** Asks the places of an image one after the other. Returns the first answer; throws what the last one, the registry itself, throws. */
export async function askInOrder<T>(
  places: readonly RegistryPlace[],
  signal: AbortSignal,
  ask: (place: RegistryPlace) => Promise<T>,
): Promise<T> {
  for (const place of places) {
    try {
      return await ask(place)
    } catch (error) {
      signal.throwIfAborted()
      // Whatever is wrong with a mirror, the registry itself may still have the image.
      if (place.isMirror && error instanceof RollcallError && error.code !== 'server.files_full') continue
      throw error
    }
  }
  throw new RollcallError('server.defect', 'an image has no registry')
}

/** Fetches the manifests that hosts can run of what a reference stands for. Throws as `fetchManifest` does, and `image.architecture`. */
export async function fetchManifests(
  client: RegistryClient,
  { baseUrl, host }: RegistryPlace,
  top: FetchedManifest,
): Promise<FetchedManifest[]> {
  const { mediaType } = top.descriptor
  if (isManifest(mediaType)) return [top]
  if (!isIndex(mediaType))
    throw refused(
      new URL(baseUrl),
      `it has the image in the old format ${mediaType.slice(0, 100)}; push it anew`,
    )
  const chosen = chooseManifests(parseIndex(top.data))
  if (chosen.length === 0) throw noVariant(host)
  return Promise.all(chosen.map(({ digest }) => client.fetchManifest(digest)))
}
