/** The query of the address when the page was opened: the router keeps only the parts that it knows. */
export const ARRIVAL = location.search.slice(1)
