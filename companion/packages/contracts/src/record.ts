import { z } from 'zod'
import { ServerPolicy } from './access-policy.ts'
import { SurfaceName } from './caller.ts'
import { Digest } from './digest.ts'
import { isSelfRegistered, RecordedClient } from './recorded-client.ts'
import { SpiffeId } from './spiffe-id.ts'
import { Effect } from './surface.ts'

/** Short name of a server inside one registry: Cedar resource prefix, token audience label, tree id. */
export const ServerId = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)
export type ServerId = z.infer<typeof ServerId>

export const Gate = z.enum(['security', 'legal', 'genai'])
export type Gate = z.infer<typeof Gate>

export const Review = z.object({
  gate: Gate,
  status: z.enum(['approved', 'pending', 'returned', 'not-required']),
  by: z.string().optional(),
  /** ISO 8601, UTC. */
  at: z.iso.datetime().optional(),
  expiresAt: z.iso.datetime().optional(),
})
export type Review = z.infer<typeof Review>

export const RecordedTool = z.object({
  name: z.string().max(64),
  title: z.string().max(200).optional(),
  digest: Digest,
  effect: Effect,
  /** Groups of which the caller needs at least one; empty means the server's own groups. */
  groups: z.array(z.string()).default([]),
  /** The owner's estimate, minutes per call. */
  minutesSaved: z.number().min(0).max(10_000).default(0),
})
export type RecordedTool = z.infer<typeof RecordedTool>

/** A prompt or a resource; what it returns is read, never written. */
const RecordedReadable = {
  title: z.string().max(200).optional(),
  digest: Digest,
  /** As a tool's. */
  groups: z.array(z.string()).default([]),
}

export const RecordedPrompt = z.object({ name: z.string().max(128), ...RecordedReadable })
export type RecordedPrompt = z.infer<typeof RecordedPrompt>

export const RecordedResource = z.object({
  name: z.string().max(128),
  uri: z.string().max(2000).optional(),
  uriTemplate: z.string().max(2000).optional(),
  ...RecordedReadable,
})
export type RecordedResource = z.infer<typeof RecordedResource>

/** A service that may call, with no person in the loop, the tools named here; only those that read. */
export const RecordedWorkload = z.object({ spiffeId: SpiffeId, tools: z.array(z.string().max(64)).min(1).max(1000) })
export type RecordedWorkload = z.infer<typeof RecordedWorkload>

/** The fields of a record, for schemas made from some of them. */
export const ServerRecordFields = z.object({
  id: ServerId,
  /** server.json name, reverse DNS with one slash. */
  name: z.string().regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().max(100),
  description: z.string().max(100),
  version: z.string().max(64),
  /** MCP endpoint; also the RFC 8707 resource and the tokens' audience. */
  url: z.url(),
  owner: z.object({ team: z.string(), contact: z.string() }),
  support: z.object({ channel: z.string(), url: z.url().optional() }),
  environment: z.enum(['dev', 'production']),
  surfaces: z.array(SurfaceName).min(1),
  /** Of surfaces that have channels, those in which the server works; empty: all. */
  channels: z.array(z.string()).default([]),
  groups: z.array(z.string()),
  dataClasses: z.array(z.string()).default([]),
  /** Whether those without access may know that the server exists, and whom to ask. */
  discoverable: z.boolean(),
  /** Listed without a token on `/v0.1`. */
  public: z.boolean().default(false),
  status: z.enum(['listed', 'suspended', 'retired']),
  reviews: z.array(Review),
  clients: z.array(RecordedClient),
  workloads: z.array(RecordedWorkload).max(1000).default([]),
  /** What the server's team wrote of who may do what, as it was reviewed. A server whose own differs does not serve. */
  policy: ServerPolicy.optional(),
  surfaceDigest: Digest,
  instructionsDigest: Digest.optional(),
  tools: z.array(RecordedTool).max(1000),
  prompts: z.array(RecordedPrompt).max(1000).default([]),
  resources: z.array(RecordedResource).max(1000).default([]),
})

/** The governance record of one version of a server (REG-2). */
export const ServerRecord = ServerRecordFields.refine(
  ({ environment, clients }) => environment !== 'production' || !clients.some(isSelfRegistered),
  { path: ['clients'], message: 'must not admit clients that registered themselves in production' },
)
export type ServerRecord = z.infer<typeof ServerRecord>

/** `typ` of the signed server record (a JWS, ES256, by the registry). */
export const RECORD_TYP = 'gatehouse-record+jwt'
export const RecordClaims = z.object({
  iss: z.url(),
  /** The server's id. */
  sub: ServerId,
  iat: z.number(),
  exp: z.number(),
  record: ServerRecord,
})
export type RecordClaims = z.infer<typeof RecordClaims>

/** What one caller sees of one server. */
export const ListedServer = z.discriminatedUnion('access', [
  /** `record.tools` holds only the tools this caller may call; `clients` and `workloads` are empty, and there is no `policy`. */
  z.object({ access: z.literal('allowed'), record: ServerRecord }),
  z.object({
    access: z.literal('denied'),
    id: ServerId,
    title: z.string(),
    owner: ServerRecordFields.shape.owner,
    support: ServerRecordFields.shape.support,
    /** For a person: what is needed and whom to ask. */
    reason: z.string(),
  }),
])
export type ListedServer = z.infer<typeof ListedServer>

/** `typ` of the signed approved list. */
export const LIST_TYP = 'gatehouse-list+jwt'
export const ListClaims = z.object({
  iss: z.url(),
  /** The caller's subject: a list is for one person. */
  sub: z.string(),
  /** OAuth client id the list was made for. */
  aud: z.string(),
  iat: z.number(),
  exp: z.number(),
  servers: z.array(ListedServer).max(5000),
})
export type ListClaims = z.infer<typeof ListClaims>
