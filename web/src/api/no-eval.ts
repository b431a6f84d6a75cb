import { config } from 'zod'

// The page's policy forbids code that is made of text. That zod tries it all the same costs a report to the console, and a
// second parse of the whole script for the place that the report names: a tenth of a second before the first page.
config({ jitless: true })
