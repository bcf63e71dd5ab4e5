export { runbooksServer, type RunbooksOptions } from './definition.ts'
