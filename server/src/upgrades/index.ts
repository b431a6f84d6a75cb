export { UpgradeDriver } from './upgrade-driver.ts'
export { UpgradesModule } from './upgrades.module.ts'
