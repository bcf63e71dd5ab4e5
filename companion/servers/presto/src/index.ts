export { prestoServer } from './definition.ts'
