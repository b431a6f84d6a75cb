/** Longer files are refused before they are parsed, which takes up to half a second for this many. */
export const MAX_TEXT_BYTES = 256 * 1024
/** Aliases that a file may use; each repeats what its anchor holds. */
export const MAX_ALIASES = 100
/** Values of a file, those that aliases repeat counted each time. */
export const MAX_VALUES = 100_000
export const MAX_DEPTH = 40
export const MAX_SERVICES = 200
/** Faults that are listed; further ones are seen once these are corrected. */
export const MAX_FAULTS = 500
/** Entries of one list or mapping, such as the variables of a service. */
export const MAX_ENTRIES = 1000
/** A config, and any text after variables were put in. */
export const MAX_CONFIG_BYTES = 512 * 1024
/** Shortest lease: 15 s until a host with the profile for high availability is offline, and 3 s to place its work elsewhere. */
export const MIN_LEASE_MS = 18_000
