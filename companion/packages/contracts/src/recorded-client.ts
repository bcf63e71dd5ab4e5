import { z } from 'zod'
import { SurfaceName } from './caller.ts'

/**
 * How the id of every client begins that registered itself with the local identity provider (RFC 7591). That provider alone gives such ids,
 * and no other client may have one.
 */
export const SELF_REGISTERED = 'self-registered-'

/** A client that the registry knows: its registration decides the surface and whether a plain bearer token may be used. */
export const RegisteredClient = z.object({
  clientId: z.string().refine((id) => !id.startsWith(SELF_REGISTERED), `must not begin with ${SELF_REGISTERED}`),
  surface: SurfaceName,
  bearer: z.boolean(),
  /** Whether its key is a person's own device, whose signature is that person's approval. Absent: it is. A bot that speaks for many is not. */
  approves: z.boolean().optional(),
  /**
   * How the client says, under signature, in which channel the person is: claim `channel` of each DPoP proof, or of the access token. Absent: it
   * has no channels.
   */
  channel: z.enum(['proof', 'token']).optional(),
})
export type RegisteredClient = z.infer<typeof RegisteredClient>

/** Every client that registered itself; in development alone. They use plain bearer tokens. */
export const SelfRegisteredClients = z.strictObject({ selfRegistered: z.literal(true), surface: SurfaceName })
export type SelfRegisteredClients = z.infer<typeof SelfRegisteredClients>

export const RecordedClient = z.union([RegisteredClient, SelfRegisteredClients])
export type RecordedClient = z.infer<typeof RecordedClient>

/** What a record says of one client. */
export interface ClientTerms {
  readonly clientId: string
  readonly surface: SurfaceName
  /** Whether it may use a plain bearer token. */
  readonly bearer: boolean
  /** Whether it may hold a device key, by which a person's approvals are signed: never one that registered itself. */
  readonly deviceKey: boolean
  /** Where its channel is signed, if it has channels. */
  readonly channel: 'proof' | 'token' | undefined
}

/** @returns the terms of the client, or undefined where the record does not serve it */
export function clientTerms(clients: readonly RecordedClient[], clientId: string): ClientTerms | undefined {
  if (clientId.startsWith(SELF_REGISTERED)) {
    const all = clients.find(isSelfRegistered)
    return all && { clientId, surface: all.surface, bearer: true, deviceKey: false, channel: undefined }
  }
  const one = clients.find((client) => !isSelfRegistered(client) && client.clientId === clientId)
  return one && !isSelfRegistered(one)
    ? {
        clientId,
        surface: one.surface,
        bearer: one.bearer,
        deviceKey: one.approves !== false,
        channel: one.channel,
      }
    : undefined
}

export function isSelfRegistered(client: RecordedClient): client is SelfRegisteredClients {
  return 'selfRegistered' in client
}
