export { RotationsModule } from './rotations.module.ts'
