/** The id under which this server holds leases; it survives restarts of an installation. */
export const SERVER_ID = Symbol('ServerId')
export const CONFIG = Symbol('Config')
/** The release of this server. */
export const VERSION = Symbol('Version')
