import { randomBytes } from 'node:crypto'
import { JsonError, parseStrictJson, SELF_REGISTERED } from '@gatehouse/contracts'
import type { ClientMetadata } from 'oidc-provider'
import { z } from 'zod'
import { isLoopbackHost } from './loopback.ts'

/** VS Code's own pages and links that hand a sign-in back to the editor it came from. */
const EDITOR_REDIRECTS = [
  /^https:\/\/(insiders\.)?vscode\.dev\/redirect$/,
  /^(vscode|vscode-insiders|code-oss):\/\/dynamicauthprovider\/[A-Za-z0-9.:%_/-]{1,256}$/,
]
const GRANT_TYPES = ['authorization_code', 'refresh_token'] as const
/** Control and format characters, which could make a name look like another. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u

const RedirectUri = z.string().max(2048).refine(mayRedirectTo, 'must lead to this machine or to the editor')

/** RFC 7591 section 2. Metadata that is not understood is ignored, as the RFC demands; what is understood is bounded. */
const Request = z.object({
  redirect_uris: z.array(RedirectUri).min(1).max(10),
  client_name: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .refine((name) => !INVISIBLE.test(name), 'must be visible text')
    .default('An application that did not say its name'),
  grant_types: z.array(z.string().max(100)).max(20).default(['authorization_code']),
  response_types: z.array(z.string().max(100)).max(20).default(['code']),
})

/** `error` of RFC 7591 section 3.2.2. */
interface RegistrationProblem {
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  readonly error_description: string
}

export type Registration =
  | { readonly kind: 'client'; readonly metadata: ClientMetadata }
  | { readonly kind: 'problem'; readonly problem: RegistrationProblem }

/**
 * What is registered for a request, whatever else it asked for (RFC 7591 section 3.2.1 lets the server replace it): a public client with
 * PKCE and no secret, whose sign-ins come back to this machine alone.
 */
export function readRegistration(text: string): Registration {
  const parsed = Request.safeParse(parseJson(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = String(issue?.path[0] ?? 'the request')
    return problem(
      field === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata',
      `${field}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { redirect_uris, client_name, grant_types, response_types } = parsed.data
  if (!grant_types.includes('authorization_code') || !response_types.includes('code')) {
    return problem('invalid_client_metadata', 'only the authorization code flow is offered to clients that register')
  }
  return {
    kind: 'client',
    metadata: {
      client_id: `${SELF_REGISTERED}${randomBytes(16).toString('base64url')}`,
      client_name,
      application_type: 'native',
      grant_types: GRANT_TYPES.filter((type) => grant_types.includes(type)),
      response_types: ['code'],
      redirect_uris,
      token_endpoint_auth_method: 'none',
    },
  }
}

function problem(error: RegistrationProblem['error'], description: string): Registration {
  return { kind: 'problem', problem: { error, error_description: description } }
}

/** A loopback port (RFC 8252 section 7.3), or what the editor is known by. */
function mayRedirectTo(uri: string): boolean {
  if (EDITOR_REDIRECTS.some((known) => known.test(uri))) return true
  const url = URL.parse(uri)
  return (
    url?.protocol === 'http:' &&
    isLoopbackHost(url.hostname) &&
    url.username === '' &&
    url.password === '' &&
    !uri.includes('#')
  )
}

/** undefined for text that is no acceptable JSON, which no schema takes. */
function parseJson(text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (error) {
    if (error instanceof JsonError) return undefined
    throw error
  }
}
