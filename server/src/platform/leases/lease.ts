/**
 * One lease per server, one word per row. A server renews its row of `server_lease` three times in `LEASE_MS`; what it works on names
 * it in the column `lease_owner`. A row whose owner's lease has expired may be acquired by any other server.
 *
 * - acquire: `UPDATE … SET lease_owner = $server … WHERE isAcquirable(row, $server)`, of rows that are locked by `FOR UPDATE SKIP LOCKED`
 * - renew: `ServerLease`, for all rows of a server at once
 * - release: `SET lease_owner = NULL` for one row; `ServerLease` releases all when the server stops
 * - fence: every statement of the holder says `AND lease_owner = $server`, and takes no row as `the lease is lost: stop`
 *
 * The holder of a row is the server and not a call: after a restart a server may acquire what it held before at once.
 */
export const LEASE_MS = 6000

/** SQL: the servers whose lease has not expired. By the database's clock, so those of servers may differ. */
export const LIVE_SERVERS = 'SELECT lease_owner FROM server_lease WHERE lease_until > now()'

/** SQL: no live server holds a row of the table or alias `row`. */
export const isExpired = (row: string) =>
  `(${row}.lease_owner IS NULL OR ${row}.lease_owner NOT IN (${LIVE_SERVERS}))`

/** SQL: the server in the parameter `server`, such as `$1`, holds a row already, or no live server does. */
export const isAcquirable = (row: string, server: string) =>
  `(${row}.lease_owner = ${server} OR ${isExpired(row)})`
