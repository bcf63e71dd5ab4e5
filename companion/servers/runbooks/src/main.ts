import { runServer } from '@gatehouse/kit'
import { runbooksServer } from './definition.ts'

await runServer(runbooksServer({ folder: process.env['GATEHOUSE_RUNBOOKS'] || undefined }))
