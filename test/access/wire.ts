import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as http } from 'node:http'
import { request as https } from 'node:https'

export interface Wire {
  readonly url: string
  readonly method?: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Buffer
  /** For `https:` PEM of the authority that the server must have its certificate from, and of the client's own. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string }
}

export interface WireAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request on a connection of its own, with exactly these headers. */
export function send({ url, method = 'POST', headers, body, tls }: Wire): Promise<WireAnswer> {
  const start = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const request = start(
      url,
      // A server of the mesh is known by its SPIFFE id and not by a host name.
      { method, headers, agent: false, ...(tls && { ...tls, checkServerIdentity: () => undefined }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}
