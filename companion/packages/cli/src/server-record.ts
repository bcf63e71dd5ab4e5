import { RECORD_TYP, RecordClaims, ServerId, type ServerRecord } from '@gatehouse/contracts'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { CliError } from './cli-error.ts'
import { request } from './http.ts'

/** The registry's signed record of a server. @throws CliError `server_unknown`, `server_suspended`, `record_invalid` */
export async function fetchRecord(registry: string, server: string): Promise<ServerRecord> {
  if (!ServerId.safeParse(server).success)
    throw new CliError('usage', `--server: ${JSON.stringify(server)} is no server id`)
  const jws = await request(`${registry}/gatehouse/v1/records/${server}`)
  const keys = createRemoteJWKSet(new URL(`${registry}/gatehouse/v1/keys`))
  try {
    const { payload } = await jwtVerify(jws.trim(), keys, {
      algorithms: ['ES256'],
      typ: RECORD_TYP,
      issuer: registry,
      subject: server,
      requiredClaims: ['exp'],
    })
    return RecordClaims.parse(payload).record
  } catch (cause) {
    throw new CliError('record_invalid', `the registry's record of ${server} cannot be verified`, { cause })
  }
}
