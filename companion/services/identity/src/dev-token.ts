import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { JsonError, parseStrictJson } from '@gatehouse/contracts'
import type { Provider } from 'oidc-provider'
import { z } from 'zod'
import { ACCESS_TOKEN_LIFE, resourceServerInfo, SCOPE } from './access-token.ts'
import { readBody } from './body.ts'
import { CLI_CLIENT, TEAM_CHAT_CLIENT, VSCODE_CLIENT } from './clients.ts'
import { IdentityError } from './errors.ts'
import { findPerson, LOCAL_PASSWORD, people } from './people.ts'

const Body = z.strictObject({
  user: z.string().refine((user) => findPerson(user) !== undefined, 'is not one of the seeded people'),
  resource: z.url({ protocol: /^https?$/ }).refine((url) => !url.includes('#'), 'must not have a fragment'),
  client: z.enum([VSCODE_CLIENT, CLI_CLIENT, TEAM_CHAT_CLIENT]).default(CLI_CLIENT),
  /** RFC 7638 thumbprint of the key to bind the token to (RFC 9449 §6.1). */
  jkt: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional(),
  /** Seconds; negative makes a token that has expired, for tests. */
  expiresIn: z
    .int()
    .min(-3600)
    .max(3600)
    .refine((seconds) => seconds !== 0, 'must not be 0')
    .default(ACCESS_TOKEN_LIFE),
})

export interface DevToken {
  readonly access_token: string
  readonly token_type: 'DPoP' | 'Bearer'
  readonly expires_in: number
}

/** Who can sign in here, for whoever started the stack. @throws IdentityError `unauthorized` */
export function devPeople(secret: string, request: IncomingMessage): object {
  requireSecret(request, secret)
  return { password: LOCAL_PASSWORD, people }
}

/**
 * A token for a seeded person without a browser, for the command line and for tests: issued through the same models, and so with the
 * same claims, as by a sign-in. Exists only where the stack was started with a development secret.
 * @throws IdentityError `unauthorized`, `request_invalid`
 */
export async function devToken(provider: Provider, secret: string, request: IncomingMessage): Promise<DevToken> {
  requireSecret(request, secret)
  const body = await parseBody(request)
  const client = await provider.Client.find(body.client)
  if (!client) throw new IdentityError('request_invalid', 'client: unknown')
  if (client.dpopBoundAccessTokens === true && body.jkt === undefined) {
    throw new IdentityError('request_invalid', `jkt: tokens of ${client.clientId} are bound to a key`)
  }
  const grant = new provider.Grant({ accountId: body.user, clientId: client.clientId })
  grant.addResourceScope(body.resource, SCOPE)
  const token = new provider.AccessToken({
    accountId: body.user,
    client,
    grantId: await grant.save(),
    gty: 'dev',
    expiresIn: body.expiresIn,
    resourceServer: new provider.ResourceServer(body.resource, resourceServerInfo(body.resource)),
  })
  token.scope = SCOPE
  if (body.jkt !== undefined) token.setThumbprint('jkt', body.jkt)
  return { access_token: await token.save(), token_type: token.tokenType, expires_in: token.expiration }
}

/** Compared in constant time, as digests, so that not even the length shows. */
function requireSecret(request: IncomingMessage, secret: string): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${secret}`))) {
    throw new IdentityError('unauthorized', 'the development secret is missing or wrong')
  }
}

async function parseBody(request: IncomingMessage): Promise<z.infer<typeof Body>> {
  const text = await readBody(request, 'application/json')
  try {
    return Body.parse(parseStrictJson(text))
  } catch (cause) {
    if (cause instanceof JsonError) throw new IdentityError('request_invalid', cause.message, { cause })
    if (!(cause instanceof z.ZodError)) throw cause
    const issue = cause.issues[0]
    throw new IdentityError('request_invalid', `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'invalid'}`, {
      cause,
    })
  }
}
