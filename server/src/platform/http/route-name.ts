/** The metadata key for the name of a handler's route. */
export const ROUTE_NAME = 'rollcall:route'
