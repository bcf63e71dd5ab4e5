import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { type SpiffeId, trustDomainOf } from '@gatehouse/contracts'
import { verifyX509Svid, type X509Identity } from '@gatehouse/kit/workload'
import { CallError } from './call-error.ts'

const LARGEST_ANSWER = 1024 * 1024

export interface Post {
  readonly url: string
  /** Who must answer. */
  readonly server: SpiffeId
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/**
 * One POST under our own SVID, to a server that shows the SVID that it should have: its name in the network says nothing.
 * @throws CallError
 */
export function post(identity: X509Identity, { url, server, headers, body, signal }: Post): Promise<Answer> {
  const trustDomain = trustDomainOf(server)
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(cause instanceof CallError ? cause : new CallError('call_failed', `${url} cannot be called`, { cause }))
    const sent = request(
      url,
      {
        method: 'POST',
        // A connection that is kept would keep an SVID that has been replaced.
        agent: false,
        cert: identity.certificates,
        key: identity.key,
        ca: identity.bundles.get(trustDomain) ?? [],
        minVersion: 'TLSv1.2',
        checkServerIdentity: (_host, certificate) => wrongServer(certificate, identity, server),
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal,
      },
      (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > LARGEST_ANSWER) sent.destroy(new CallError('call_refused', 'the answer is too large'))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      },
    )
    sent.on('error', fail)
    sent.end(body)
  })
}

function wrongServer(certificate: PeerCertificate, identity: X509Identity, server: SpiffeId): CallError | undefined {
  try {
    const id = verifyX509Svid(chainOf(certificate), identity.bundles, Date.now())
    return id === server ? undefined : new CallError('call_refused', `${id} answered in place of ${server}`)
  } catch (cause) {
    return new CallError('call_refused', `what answered in place of ${server} has no SVID that counts`, { cause })
  }
}

function chainOf(certificate: PeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: PeerCertificate | undefined = certificate
  while (next && chain.length < 8) {
    chain.push(new X509Certificate(next.raw))
    const issuer: PeerCertificate | undefined = (next as Partial<DetailedPeerCertificate>).issuerCertificate
    next = issuer === next ? undefined : issuer
  }
  return chain
}
