export { securityHeaders, serveWebUi } from './web-ui.ts'
