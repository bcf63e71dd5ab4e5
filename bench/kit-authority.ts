// What a governed server needs around it, in a process of its own so that it takes nothing from what is measured: identity provider and registry.
import { Digest, type ServerRecord } from '@gatehouse/contracts'
import { startTestIssuer } from '../test/support/issuer.ts'
import { startRecordRegistry } from '../test/support/record-registry.ts'
import { sampleRecord } from '../test/support/sample-record.ts'
import type { Governed } from './kit-server.ts'

/** A server's record is asked for, to be given to whoever asks from then on, or a token for it. */
export type Request =
  | { readonly kind: 'record'; readonly server: Governed }
  | { readonly kind: 'token'; readonly audience: string; readonly client: string; readonly thumbprint?: string }

const issuer = await startTestIssuer()
const registry = await startRecordRegistry()
process.on('disconnect', () => process.exit(0))
process.on('message', (request: Request) => {
  void answer(request).then((reply) => process.send?.({ reply }))
})
process.send?.({ issuer: issuer.url, registry: registry.url, intakeToken: registry.intakeToken })

async function answer(request: Request): Promise<string> {
  if (request.kind === 'record') {
    const record = recordOf(request.server)
    registry.answer({ kind: 'signed', record, life: 3600 })
    return JSON.stringify(record)
  }
  const { audience, client, thumbprint } = request
  return issuer.token(audience, {
    client_id: client,
    exp: Math.floor(Date.now() / 1000) + 3600,
    ...(thumbprint && { cnf: { jkt: thumbprint } }),
  })
}

function recordOf({ url, tools, surfaceDigest }: Governed): ServerRecord {
  return sampleRecord('bench', {
    url,
    environment: 'dev',
    surfaces: ['ide', 'cli'],
    groups: ['ads', 'finance'],
    clients: [
      { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
      { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
    ],
    surfaceDigest: Digest.parse(surfaceDigest),
    tools: [...tools],
  })
}
