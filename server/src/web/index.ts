export { prepareHttp } from './http-app.ts'
