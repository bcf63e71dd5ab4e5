import { z } from 'zod'

const Claims = z.object({ aud: z.union([z.string(), z.array(z.string())]).optional() })

/**
 * What keeps a token from being one for this resource alone (RFC 9068 section 3: its `aud` is the resource), in words of ours; `undefined`
 * where nothing does. One for several could be replayed by one of them at another. The signature is not looked at: the token came from the
 * provider itself, and the resource verifies it.
 */
export function audienceFault(token: string, resource: string): string | undefined {
  const claims = claimsOf(token)
  if (!claims) return 'its access tokens cannot be read'
  const audiences = new Set([claims.aud ?? []].flat())
  if (audiences.size === 0) return 'its token names no audience'
  if (audiences.size > 1) return `its token is for ${audiences.size} audiences at once`
  return audiences.has(resource) ? undefined : 'its token is for another audience'
}

function claimsOf(token: string): z.infer<typeof Claims> | undefined {
  const [, payload, signature, more] = token.split('.')
  if (payload === undefined || signature === undefined || more !== undefined) return undefined
  try {
    return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
  } catch {
    return undefined
  }
}
