/** Another server, or a person, changed the row first. Nothing was stored: read it again, or leave it to them. */
export class ConcurrentUpdateError extends Error {}
