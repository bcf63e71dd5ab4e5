import { CliError } from './cli-error.ts'
import { jsonRequest, requestJson } from './http.ts'
import { readIfPresent } from './private-file.ts'
import { readStackFile } from './stack-file.ts'
import { z } from 'zod'

export interface RunningStack {
  readonly issuer: string
  readonly registry: string
  readonly devSecret: string
}

export interface TokenRequest {
  readonly user: string
  readonly resource: string
  readonly client?: string | undefined
  /** RFC 7638 thumbprint of the key that the token is to be bound to. */
  readonly jkt?: string | undefined
}

const DevToken = z.object({ access_token: z.string() })
const Metadata = z.object({ authorization_servers: z.array(z.url()) })

/**
 * The stack that `gatehouse up` runs on this data folder. Its issuer is this machine's: what these commands do, a company's provider must not offer.
 * @throws CliError `stack_not_running`, `stack_file_broken`, `issuer_not_local`
 */
export async function findRunningStack(folder: string): Promise<RunningStack> {
  const stack = await readStackFile(folder)
  if (!stack) throw new CliError('stack_not_running', `no stack runs on ${folder}; start one with "gatehouse up"`)
  requireLocal(stack.issuer)
  if (stack.registry !== undefined) requireLocal(stack.registry)
  const devSecret = (await readIfPresent(stack.devSecretFile))?.trim()
  if (devSecret === undefined) throw new CliError('stack_file_broken', `${stack.devSecretFile} is missing`)
  return { issuer: stack.issuer, registry: stack.registry ?? '', devSecret }
}

/** @throws CliError `issuer_not_local` when the registry trusts another issuer than the local one */
export async function requireLocalRegistry(stack: RunningStack): Promise<void> {
  if (stack.registry === '') throw new CliError('stack_not_running', 'the running stack has no registry')
  const metadata = await requestJson(Metadata, `${stack.registry}/.well-known/oauth-protected-resource`)
  if (metadata.authorization_servers.join() !== stack.issuer) {
    throw new CliError('issuer_not_local', 'the registry trusts another issuer than the local one')
  }
}

/** An access token from the local identity provider. @throws CliError */
export async function requestToken(stack: RunningStack, request: TokenRequest): Promise<string> {
  const answer = await requestJson(DevToken, `${stack.issuer}/dev/token`, jsonRequest('POST', stack.devSecret, request))
  return answer.access_token
}

/** A loopback address (RFC 6761 §6.3 for the name). */
function requireLocal(url: string): void {
  const { hostname, protocol } = new URL(url)
  const local = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
  if (!local || protocol !== 'http:') {
    throw new CliError(
      'issuer_not_local',
      `this works with the local development issuer alone, not with ${new URL(url).origin}`,
    )
  }
}
