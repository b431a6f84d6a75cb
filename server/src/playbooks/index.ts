export { PlaybooksModule } from './playbooks.module.ts'
