import { runServer } from '@gatehouse/kit'
import { prestoServer } from './definition.ts'

await runServer(prestoServer())
