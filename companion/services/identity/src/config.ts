import { z } from 'zod'
import { IdentityError } from './errors.ts'

export interface IdentityConfig {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Own public origin, which is the issuer. Default `http://HOST:PORT`. */
  readonly publicUrl?: string
  /** Own data folder; made where it does not exist. */
  readonly data: string
  /** Origin of the registry: the only audience whose tokens may be exchanged. Absent = any audience of a sign-in. */
  readonly registry?: string
  /** Opens `POST /dev/token` to whoever holds it; absent = the endpoint does not exist. */
  readonly devSecret?: string
}

const Origin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => new URL(url).origin === url, 'must be an origin, without a path or a trailing slash')

const Environment = z.object({
  GATEHOUSE_HOST: z.string().min(1).default('127.0.0.1'),
  GATEHOUSE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  GATEHOUSE_PUBLIC_URL: Origin.optional(),
  GATEHOUSE_DATA: z.string().min(1),
  GATEHOUSE_REGISTRY: Origin.optional(),
  GATEHOUSE_DEV_SECRET: z.string().min(32).optional(),
})

/** @throws IdentityError `config_invalid`, naming the variable */
export function readConfig(environment: NodeJS.ProcessEnv): IdentityConfig {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new IdentityError(
      'config_invalid',
      `${issue?.path.join('.') ?? 'environment'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { data } = parsed
  return {
    host: data.GATEHOUSE_HOST,
    port: data.GATEHOUSE_PORT,
    data: data.GATEHOUSE_DATA,
    ...(data.GATEHOUSE_PUBLIC_URL !== undefined && { publicUrl: data.GATEHOUSE_PUBLIC_URL }),
    ...(data.GATEHOUSE_REGISTRY !== undefined && { registry: data.GATEHOUSE_REGISTRY }),
    ...(data.GATEHOUSE_DEV_SECRET !== undefined && { devSecret: data.GATEHOUSE_DEV_SECRET }),
  }
}
