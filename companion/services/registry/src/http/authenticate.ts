import { getConnInfo } from '@hono/node-server/conninfo'
import { AuthError, type Logger, type TokenVerifier, type VerifiedToken } from '@gatehouse/kit'
import type { Context } from 'hono'
import type { Asking } from '../registry-service.ts'

export interface AuthenticateOptions {
  readonly verifier: TokenVerifier
  readonly publicUrl: string
  readonly log: Logger
}

/** Who asks. @throws AuthError */
export type Authenticate = (context: Context) => Promise<Asking>

/** Verifies the token of a request against the registry's public URL, which is what a DPoP proof names (RFC 9449 section 4.3). */
export function createAuthenticate({ verifier, publicUrl, log }: AuthenticateOptions): Authenticate {
  return async (context) => {
    const { pathname, search } = new URL(context.req.url)
    const from = remoteAddress(context)
    try {
      const token: VerifiedToken = await verifier.verify({
        method: context.req.method,
        url: `${publicUrl}${pathname}${search}`,
        authorization: context.req.header('Authorization'),
        dpop: context.req.header('DPoP'),
      })
      return { caller: token.caller, from }
    } catch (error) {
      if (error instanceof AuthError && error.code !== 'token_missing') {
        log.warn('a caller was not authenticated', { code: error.code, path: pathname, from })
      }
      throw error
    }
  }
}

function remoteAddress(context: Context): string | undefined {
  return getConnInfo(context).remote.address
}
