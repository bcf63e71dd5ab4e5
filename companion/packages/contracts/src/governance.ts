import type { z } from 'zod'
import { type ServerPolicy } from './access-policy.ts'
import { type Digest, digestOf } from './digest.ts'
import { ServerRecord, ServerRecordFields } from './record.ts'
import type { ServerSurface } from './surface.ts'

/** `server.json` beside a server: what its owner and its reviewers say of it. Its surface, its policy and where it runs are found out. */
export const ServerGovernance = ServerRecordFields.omit({
  url: true,
  status: true,
  tools: true,
  prompts: true,
  resources: true,
  policy: true,
  surfaceDigest: true,
  instructionsDigest: true,
})
export type ServerGovernance = z.infer<typeof ServerGovernance>

/** What a server says of itself for `--describe`. */
export interface DescribedServer {
  readonly surface: ServerSurface
  readonly tools: readonly unknown[]
  readonly prompts: readonly unknown[]
  readonly resources: readonly unknown[]
  readonly surfaceDigest: Digest
  readonly policy?: ServerPolicy | undefined
}

/** The record of a server as it is listed once it is reviewed. @param url its MCP endpoint @throws ZodError */
export function reviewedRecord(governance: ServerGovernance, described: DescribedServer, url: string): ServerRecord {
  const { tools, prompts, resources, surfaceDigest, policy } = described
  const { instructions } = described.surface
  return ServerRecord.parse({
    ...governance,
    url,
    status: 'listed',
    tools,
    prompts,
    resources,
    surfaceDigest,
    ...(instructions !== undefined && { instructionsDigest: digestOf(instructions) }),
    ...(policy && { policy }),
  })
}
