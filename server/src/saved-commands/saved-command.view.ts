import type { SavedCommandView } from '@rollcall/contracts/admin'
import type { SavedCommand } from './domain/saved-command.ts'

/** Converts a saved command to its public view; of the environment, only names are shown. */
export function toSavedCommandView({
  env,
  owner: _,
  createdAt,
  updatedAt,
  ...saved
}: SavedCommand): SavedCommandView {
  return {
    ...saved,
    envNames: Object.keys(env),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
