/** What stood behind the `?` when the page was opened: the router leaves only what it knows. */
export const ARRIVAL = location.search.slice(1)
