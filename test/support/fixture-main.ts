// The main.ts of the fixture server.
import { runServer } from '@gatehouse/kit'
import { fixtureServer } from './fixture-tools.ts'

await runServer(fixtureServer())
