import type { SavedCommandView } from '@rollcall/contracts/admin'
import type { SavedCommand } from './saved-command.ts'

/** As it is shown: of the environment the names only. */
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
