export { TerminalsModule } from './terminals.module.ts'
