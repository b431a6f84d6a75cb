export { UpgradesModule } from './upgrades.module.ts'
