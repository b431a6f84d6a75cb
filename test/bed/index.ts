/** Real Debian hosts on one machine, and what can go wrong with them: see `Bed.open`. */
export { readBanner } from './banner.ts'
export { Bed, type HostRequest } from './bed.ts'
export { type Flavour, isFlavour } from './flavours.ts'
export type { Host } from './host.ts'
export { whyNoBed } from './requirements.ts'
export { rootfsFor } from './rootfs.ts'
export { sweep } from './sweep.ts'
