import { LIST_TYP, type ListedServer } from '@gatehouse/contracts'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type HttpServer, sendJson, serve } from './http-server.ts'

/** A key that signs lists as a registry does. */
export interface ListSigner {
  readonly publicJwk: JWK
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export async function listSigner(kid: string): Promise<ListSigner> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: LIST_TYP, kid, ...header }).sign(privateKey),
  }
}

/** A registry's two endpoints over real HTTP, that answers with whatever the test wants, however wrong. */
export interface WilfulRegistry extends HttpServer {
  keys: JWK[]
  /** The list as it is sent; a function may take its time or misbehave. */
  list: string | ((response: import('node:http').ServerResponse) => void)
  /** Requests for the list. */
  asked(): number
}

export async function wilfulRegistry(): Promise<WilfulRegistry> {
  const answers: Pick<WilfulRegistry, 'keys' | 'list'> = { keys: [], list: '' }
  const server = await serve((request, response) => {
    if (request.url === '/gatehouse/v1/keys') return sendJson(response, { keys: answers.keys })
    if (typeof answers.list === 'function') return answers.list(response)
    response.writeHead(200, { 'content-type': 'application/jwt' }).end(answers.list)
  })
  return Object.assign(answers, server, {
    asked: () => server.requests.filter(({ url }) => url === '/gatehouse/v1/list').length,
  })
}

/** Claims of a good list. @param life seconds */
export function listClaims(
  registry: string,
  life: number,
  servers: readonly ListedServer[] = [],
): Record<string, unknown> {
  const now = Date.now() / 1000
  return { iss: registry, sub: 'ada', aud: 'gatehouse-vscode', iat: now, exp: now + life, servers }
}
