/** The id under which this server holds work: the same over restarts of one installation. */
export const SERVER_ID = Symbol('ServerId')
export const CONFIG = Symbol('Config')
/** The release of this server. */
export const VERSION = Symbol('Version')
