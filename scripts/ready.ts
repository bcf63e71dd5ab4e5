// Nothing but what scripts/run.mjs has done before this line: the locked dependencies are installed.
import { say } from './process.ts'

say('dependencies are installed')
