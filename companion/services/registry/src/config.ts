import { RegisteredClient } from '@gatehouse/contracts'
import { z } from 'zod'
import { RegistryError } from './registry-error.ts'

export interface RegistryConfig {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Own public origin: the RFC 8707 resource and the `iss` of what is signed. Default `http://HOST:PORT`. */
  readonly publicUrl?: string
  readonly issuer: string
  /** PostgreSQL. */
  readonly databaseUrl: string
  /** Lets the servers deliver audit events; absent = the endpoint does not exist. */
  readonly intakeToken?: string
  /** Opens `PUT /gatehouse/v1/dev/servers/:id`; absent = the endpoint does not exist. Never set in production. */
  readonly devSecret?: string
  /** Life of a signed server record, seconds: how long a suspended server can still be called. Default 60. */
  readonly recordLife?: number
  /** Life of a signed list, seconds. Default 600. */
  readonly listLife?: number
  /** Clients that may call this API, none of which registered itself. Default: the extension, the command line, the team chat's bot. */
  readonly clients?: readonly RegisteredClient[]
}

export const DEFAULT_RECORD_LIFE = 60
export const DEFAULT_LIST_LIFE = 600
/** OAuth client that the extension uses; the registry's metadata names it, so that the registry's URL is all a person has to know. */
export const EDITOR_CLIENT = 'gatehouse-vscode'
export const DEFAULT_CLIENTS: readonly RegisteredClient[] = [
  { clientId: EDITOR_CLIENT, surface: 'ide', bearer: false },
  { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
  { clientId: 'gatehouse-team-chat', surface: 'team-chat', bearer: false, approves: false, channel: 'proof' },
]

const Origin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => new URL(url).origin === url, 'must be an origin, without a path or a trailing slash')
/** RFC 8414 section 2: an issuer may have a path, as a realm of Keycloak has, and neither query nor fragment. */
const Issuer = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !/[?#@]/.test(url), 'must be an issuer, without a user name, a query or a fragment')
const Secret = z.string().min(16, 'must have 16 characters at least')
const Seconds = z.coerce.number().int().min(1).max(86_400)

const Environment = z.object({
  GATEHOUSE_HOST: z.string().min(1).default('127.0.0.1'),
  GATEHOUSE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  GATEHOUSE_PUBLIC_URL: Origin.optional(),
  GATEHOUSE_ISSUER: Issuer,
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgresql://'),
  GATEHOUSE_INTAKE_TOKEN: Secret.optional(),
  GATEHOUSE_DEV_SECRET: Secret.optional(),
  GATEHOUSE_RECORD_LIFE: Seconds.default(DEFAULT_RECORD_LIFE),
  GATEHOUSE_LIST_LIFE: Seconds.default(DEFAULT_LIST_LIFE),
  /** JSON array of `RegisteredClient`. */
  GATEHOUSE_CLIENTS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue('must be a JSON array of clients')
        return z.NEVER
      }
    })
    .pipe(z.array(RegisteredClient))
    .optional(),
})

/** @throws RegistryError `config_invalid`, naming the variable and never its value */
export function readConfig(environment: NodeJS.ProcessEnv): RegistryConfig {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new RegistryError(
      'config_invalid',
      `${issue?.path.join('.') ?? 'environment'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { data } = parsed
  return {
    host: data.GATEHOUSE_HOST,
    port: data.GATEHOUSE_PORT,
    issuer: data.GATEHOUSE_ISSUER,
    databaseUrl: data.DATABASE_URL,
    recordLife: data.GATEHOUSE_RECORD_LIFE,
    listLife: data.GATEHOUSE_LIST_LIFE,
    ...(data.GATEHOUSE_PUBLIC_URL !== undefined && { publicUrl: data.GATEHOUSE_PUBLIC_URL }),
    ...(data.GATEHOUSE_INTAKE_TOKEN !== undefined && { intakeToken: data.GATEHOUSE_INTAKE_TOKEN }),
    ...(data.GATEHOUSE_DEV_SECRET !== undefined && { devSecret: data.GATEHOUSE_DEV_SECRET }),
    ...(data.GATEHOUSE_CLIENTS !== undefined && { clients: data.GATEHOUSE_CLIENTS }),
  }
}
