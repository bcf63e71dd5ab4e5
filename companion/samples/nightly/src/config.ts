import { GatehouseError, SpiffeId } from '@gatehouse/contracts'
import { z } from 'zod'

export interface NightlyConfig {
  /** `unix:///path` of the Workload API. */
  readonly socket: string
  /** MCP endpoint of the server's mutual-TLS listener. */
  readonly url: string
  /** Who must answer there. */
  readonly server: SpiffeId
  /** Absent: all tables. */
  readonly tables: readonly string[] | undefined
  readonly maxAgeSeconds: number
}

const Environment = z.object({
  SPIFFE_ENDPOINT_SOCKET: z.string().min(1),
  NIGHTLY_URL: z.url({ protocol: /^https$/ }),
  NIGHTLY_SERVER: SpiffeId,
  NIGHTLY_TABLES: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.string().min(1)).min(1).max(100))
    .optional(),
  NIGHTLY_MAX_AGE_HOURS: z.coerce.number().positive().max(100_000).default(26),
})

/** @throws GatehouseError `config_invalid` */
export function configFromEnvironment(environment: NodeJS.ProcessEnv): NightlyConfig {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const what = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
    throw new GatehouseError('config_invalid', what)
  }
  const { data } = parsed
  return {
    socket: data.SPIFFE_ENDPOINT_SOCKET,
    url: data.NIGHTLY_URL,
    server: data.NIGHTLY_SERVER,
    tables: data.NIGHTLY_TABLES,
    maxAgeSeconds: data.NIGHTLY_MAX_AGE_HOURS * 3600,
  }
}
