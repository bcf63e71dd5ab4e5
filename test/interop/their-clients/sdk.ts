import {
  Client as ClientTwo,
  StreamableHTTPClientTransport as TransportTwo,
  UnauthorizedError as UnauthorizedTwo,
} from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { SignIn } from './sign-in.ts'
import { readResult, readTools, type TheirClient } from './their-client.ts'

const ME = { name: 'somebody-else', version: '1.0.0' }

export interface SdkClient extends TheirClient {
  readonly signIn: SignIn
  /** As negotiated. */
  readonly protocolVersion: string | undefined
}

/** The client of `@modelcontextprotocol/sdk` 1.x with its own OAuth. */
export async function sdkOne(url: string, user: string): Promise<SdkClient> {
  const signIn = new SignIn(user)
  const open = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: signIn })
  const client = new Client(ME)
  const first = open()
  await expectUnauthorized(client.connect(first), UnauthorizedError)
  await first.finishAuth(signIn.answer?.searchParams.get('code') ?? '')
  const transport = open()
  await client.connect(transport)
  return {
    signIn,
    protocolVersion: transport.protocolVersion,
    tools: async () => readTools(await client.listTools()),
    call: async (name, args) => readResult(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  }
}

/** The client of `@modelcontextprotocol/client` 2.x with its own OAuth. */
export async function sdkTwo(url: string, user: string, era: 'legacy' | 'modern'): Promise<SdkClient> {
  const signIn = new SignIn(user)
  const open = () => new TransportTwo(new URL(url), { authProvider: signIn })
  const newClient = () =>
    new ClientTwo(ME, era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {})
  const first = open()
  await expectUnauthorized(newClient().connect(first), UnauthorizedTwo)
  await first.finishAuth(signIn.answer?.searchParams ?? new URLSearchParams())
  const client = newClient()
  await client.connect(open())
  return {
    signIn,
    protocolVersion: client.getNegotiatedProtocolVersion(),
    tools: async () => readTools(await client.listTools()),
    call: async (name, args) => readResult(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  }
}

async function expectUnauthorized(connecting: Promise<void>, kind: new () => Error): Promise<void> {
  const error = await connecting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof kind)) throw new Error('it was let in without a token, or refused otherwise', { cause: error })
}
