// `npm run spire`: the real SPIRE on this machine, in the foreground, with identities for the local stack and for the nightly sample.
import { copyFile, link, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalSpire } from './local-spire.ts'
import { say } from './process.ts'

/** Seconds that an SVID lives: short enough to see it renewed. */
const LIFE = 300

say('starting SPIRE …')
const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
})
const folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-nightly-')))
const spire = await LocalSpire.start()
try {
  // SPIRE's agent tells programs apart by their path: the servers run on the Node of this process, the nightly service on one of another name.
  const nightly = join(folder, 'nightly')
  await link(process.execPath, nightly).catch(() => copyFile(process.execPath, nightly))
  await spire.register({ path: 'server', selectors: [`unix:path:${await realpath(process.execPath)}`], life: LIFE })
  await spire.register({ path: 'nightly', selectors: [`unix:path:${nightly}`], life: LIFE })
  process.stdout.write(`
SPIRE is running. Ctrl-C stops it, and forgets what it issued.

  Trust domain  ${spire.trustDomain}
  Workload API  ${spire.socket}

The stack with a port for services, in another terminal:

  SPIFFE_ENDPOINT_SOCKET=${spire.socket} npm run gatehouse -- up

The nightly sample, in a third:

  SPIFFE_ENDPOINT_SOCKET=${spire.socket} NIGHTLY_URL=https://127.0.0.1:7427/mcp NIGHTLY_SERVER=${spire.id('server')} \\
    ${nightly} dist/companion/samples/nightly/main.js
`)
  await stopped
} finally {
  await spire.remove()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
