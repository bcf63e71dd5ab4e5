import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger, ServerConfig } from '@gatehouse/kit'
import { startTestIssuer } from '../support/issuer.ts'
import { startTestPostgres } from '../support/postgres.ts'
import { startRecordRegistry } from '../support/record-registry.ts'
import { TrustDomain } from '../support/svid.ts'
import { TestIdentity } from '../support/test-identity.ts'
import { type ServerName, TRUST_DOMAIN, worldServers } from './servers/definitions.ts'
import { Runs } from './servers/offers.ts'

const silent: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** What the servers of the world stand on, whatever the shape: identity provider, trust domain, database, folders. */
export async function startGround() {
  const [issuer, registry, domain, postgres, data] = await Promise.all([
    startTestIssuer(),
    startRecordRegistry(),
    TrustDomain.create(TRUST_DOMAIN),
    startTestPostgres(),
    mkdtemp(join(tmpdir(), 'gatehouse-access-')),
  ])
  const identity = await TestIdentity.of(domain, 'servers')
  const runs = new Runs()
  return {
    issuer,
    registry,
    domain,
    identity,
    runs,
    data,
    servers: worldServers(runs),
    /** All of a server's configuration but where it listens. */
    async config(name: ServerName) {
      return {
        data: join(data, name),
        issuer: issuer.url,
        registry: registry.url,
        intakeToken: registry.intakeToken,
        databaseUrl: await postgres.databaseUrl(`access_${name}`),
        workloadIdentity: identity,
        log: silent,
      } satisfies Partial<ServerConfig>
    },
    async stop() {
      await Promise.all([issuer.stop(), registry.stop(), postgres.stop()])
      await rm(data, { recursive: true, force: true })
    },
  }
}
