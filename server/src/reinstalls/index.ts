export { Reinstaller } from './reinstaller.ts'
export { ReinstallsModule } from './reinstalls.module.ts'
