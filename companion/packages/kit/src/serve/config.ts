import { GatehouseError, SpiffeId } from '@gatehouse/contracts'
import { z } from 'zod'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../http/limits.ts'
import type { Logger } from '../http/log.ts'
import type { WorkloadIdentity } from '../spiffe/workload-identity.ts'
import { type CallLimits, DEFAULT_CALL_LIMITS } from './admission.ts'
import { STATE_KEY_BYTES } from './request-state.ts'

export interface Limits extends HttpLimits, CallLimits {
  /** Largest request body, bytes. */
  readonly body: number
  /** Largest result, bytes of its JSON and text together. */
  readonly result: number
  /** Longest run of one call, milliseconds. */
  readonly time: number
  /** Tokens that are no good, looked at from one address in a minute. */
  readonly failures: number
}

export const DEFAULT_LIMITS: Limits = {
  ...DEFAULT_HTTP_LIMITS,
  ...DEFAULT_CALL_LIMITS,
  body: 1024 * 1024,
  result: 256 * 1024,
  time: 300_000,
  failures: 600,
}

export interface ServerConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Own public address without a slash at its end, `https://mcp.example.com/presto`; default is where it listens. */
  readonly publicUrl?: string | undefined
  /**
   * Socket file for an edge on the same machine, which has verified the tokens that it forwards. With this or `edgeId` nobody else may call with a
   * token.
   */
  readonly edgeSocket?: string | undefined
  /** The edge's SPIFFE id, by which it is believed over mutual TLS. */
  readonly edgeId?: SpiffeId | undefined
  /** Port for workloads, over mutual TLS; 0 takes any free one. It needs a workload identity. */
  readonly mtlsPort?: number | undefined
  /** `unix:///path` of the SPIFFE Workload API, which gives this server its identity and says whom to believe. */
  readonly workloadSocket?: string | undefined
  /** The same, given by a program. The server does not close it. */
  readonly workloadIdentity?: WorkloadIdentity | undefined
  /** Own data folder, made if need be. */
  readonly data: string
  readonly issuer: string
  /** Origin of the registry. */
  readonly registry: string
  /** Needed only by a server with tools that write or may be expensive. */
  readonly databaseUrl?: string | undefined
  /** Secret for the registry's audit intake. */
  readonly intakeToken: string
  /** Browser origins that may call; none by default. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** Base URL of an OTLP/HTTP collector. */
  readonly otlpEndpoint?: string | undefined
  readonly limits?: Partial<Limits>
  /** 32 bytes that seal what is remembered between the rounds of a call; replicas share them. Default: random, good for one process. */
  readonly stateKey?: Uint8Array | undefined
  /** How long running calls may take to finish at the end, milliseconds. Default 10,000. */
  readonly drain?: number
  readonly log?: Logger
}

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => new URL(url).origin === url, 'must be an origin, without path or slash')

/** An address without credentials, query, fragment, anything encoded, or a slash at its end. */
const publicUrl = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { origin, pathname } = new URL(text)
  return text === origin || (text === origin + pathname && /^(\/[A-Za-z0-9._~-]+)+$/.test(pathname))
}, 'must be an origin, with a path at most, and no slash at the end')

/** JSON with some of the limits: `{"calls":500,"body":2097152}`. */
const LimitsText = z
  .string()
  .transform((text, issues): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      issues.addIssue('must be JSON')
      return z.NEVER
    }
  })
  .pipe(z.partialRecord(z.enum(Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]), z.int().min(1)))

const Environment = z.object({
  GATEHOUSE_HOST: z.string().default('127.0.0.1'),
  GATEHOUSE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  GATEHOUSE_PUBLIC_URL: publicUrl.optional(),
  GATEHOUSE_EDGE_SOCKET: z.string().min(1).optional(),
  GATEHOUSE_EDGE_ID: SpiffeId.optional(),
  GATEHOUSE_MTLS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  SPIFFE_ENDPOINT_SOCKET: z
    .string()
    .regex(/^unix:\/\/\/./, 'must be unix:///path')
    .optional(),
  GATEHOUSE_DATA: z.string().min(1),
  GATEHOUSE_ISSUER: z.url(),
  GATEHOUSE_REGISTRY: origin,
  DATABASE_URL: z.string().optional(),
  GATEHOUSE_INTAKE_TOKEN: z.string().min(1),
  GATEHOUSE_STATE_KEY: z
    .base64url()
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine((key) => key.byteLength === STATE_KEY_BYTES, `must be ${STATE_KEY_BYTES} bytes in base64url`)
    .optional(),
  GATEHOUSE_ALLOWED_ORIGINS: z.string().default(''),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
  GATEHOUSE_LIMITS: LimitsText.default({}),
  GATEHOUSE_DRAIN_MS: z.coerce.number().int().min(0).default(10_000),
})

/** @throws GatehouseError `config_invalid`, naming the variables and never their values */
export function configFromEnvironment(environment: NodeJS.ProcessEnv): ServerConfig {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new GatehouseError('config_invalid', faults.join('; '))
  }
  const { data } = parsed
  const config: ServerConfig = {
    host: data.GATEHOUSE_HOST,
    port: data.GATEHOUSE_PORT,
    publicUrl: data.GATEHOUSE_PUBLIC_URL,
    edgeSocket: data.GATEHOUSE_EDGE_SOCKET,
    edgeId: data.GATEHOUSE_EDGE_ID,
    mtlsPort: data.GATEHOUSE_MTLS_PORT,
    workloadSocket: data.SPIFFE_ENDPOINT_SOCKET,
    data: data.GATEHOUSE_DATA,
    issuer: data.GATEHOUSE_ISSUER,
    registry: data.GATEHOUSE_REGISTRY,
    databaseUrl: data.DATABASE_URL,
    intakeToken: data.GATEHOUSE_INTAKE_TOKEN,
    stateKey: data.GATEHOUSE_STATE_KEY,
    allowedOrigins: data.GATEHOUSE_ALLOWED_ORIGINS.split(/[\s,]+/).filter(Boolean),
    otlpEndpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
    limits: data.GATEHOUSE_LIMITS,
    drain: data.GATEHOUSE_DRAIN_MS,
  }
  checkConfig(config)
  return config
}

/** What each field alone cannot say. @throws GatehouseError `config_invalid` */
export function checkConfig({ edgeId, mtlsPort, workloadSocket, workloadIdentity }: ServerConfig): void {
  const fail = (message: string): never => {
    throw new GatehouseError('config_invalid', message)
  }
  if (edgeId !== undefined && mtlsPort === undefined)
    fail('GATEHOUSE_EDGE_ID needs GATEHOUSE_MTLS_PORT: the edge is believed over mutual TLS')
  if (mtlsPort !== undefined && workloadSocket === undefined && workloadIdentity === undefined)
    fail('GATEHOUSE_MTLS_PORT needs SPIFFE_ENDPOINT_SOCKET: the listener needs an identity')
}
