/** Where a handler's metadata holds the name of its route in the contract. */
export const ROUTE_NAME = 'rollcall:route'
