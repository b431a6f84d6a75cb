export { ReinstallsModule } from './reinstalls.module.ts'
