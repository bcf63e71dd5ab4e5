import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AuditEvent, RECORD_TYP, type ServerRecord } from '@gatehouse/contracts'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { z } from 'zod'

/** What the registry answers when a server asks for its record. */
export type RecordAnswer =
  | {
      readonly kind: 'signed'
      readonly record: ServerRecord
      readonly life?: number
      readonly claims?: Record<string, unknown>
      readonly typ?: string
      readonly forged?: boolean
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'broken' }

/** A registry as far as a server's kit knows it: records, keys and audit intake, with answers that a test decides. */
export interface RecordRegistry {
  readonly url: string
  readonly intakeToken: string
  readonly audit: AuditEvent[]
  /** From now on, to every server, or to the one with this id. */
  answer(answer: RecordAnswer, id?: string): void
  stop(): Promise<void>
}

const Intake = z.object({ events: z.array(AuditEvent) })

export async function startRecordRegistry(): Promise<RecordRegistry> {
  const key = await generateKeyPair('ES256')
  const other = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(key.publicKey)), kid: 'registry', alg: 'ES256', use: 'sig' }
  const audit: AuditEvent[] = []
  const intakeToken = 'the intake token of this test'
  let usual: RecordAnswer = { kind: 'missing' }
  const answers = new Map<string, RecordAnswer>()
  let url = ''

  const server = createServer((request, response) => {
    void respond(request).then(({ status, body }) => response.writeHead(status).end(body))
  })

  async function respond(request: IncomingMessage): Promise<{ status: number; body: string }> {
    if (request.url === '/gatehouse/v1/keys') return { status: 200, body: JSON.stringify({ keys: [jwk] }) }
    if (request.url === '/gatehouse/v1/audit') {
      if (request.headers.authorization !== `Bearer ${intakeToken}`) return { status: 401, body: '{}' }
      audit.push(...Intake.parse(JSON.parse(await text(request))).events)
      return { status: 200, body: '{}' }
    }
    const current = answers.get(request.url?.split('/').at(-1) ?? '') ?? usual
    switch (current.kind) {
      case 'missing':
        return { status: 404, body: '{"code":"server_unknown"}' }
      case 'suspended':
        return { status: 403, body: '{"code":"server_suspended"}' }
      case 'broken':
        return { status: 500, body: '<html>' }
      case 'signed':
        return { status: 200, body: await sign(current, url, current.forged ? other.privateKey : key.privateKey) }
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    intakeToken,
    audit,
    answer(answer, id) {
      if (id === undefined) usual = answer
      else answers.set(id, answer)
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function sign(answer: Extract<RecordAnswer, { kind: 'signed' }>, issuer: string, key: CryptoKey): Promise<string> {
  const now = Date.now() / 1000
  const claims = {
    iss: issuer,
    sub: answer.record.id,
    iat: now,
    exp: now + (answer.life ?? 60),
    record: answer.record,
    ...answer.claims,
  }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: answer.typ ?? RECORD_TYP, kid: 'registry' })
    .sign(key)
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
