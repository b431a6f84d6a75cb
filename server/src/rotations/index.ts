export { RotationDriver } from './rotation-driver.ts'
export { RotationsModule } from './rotations.module.ts'
