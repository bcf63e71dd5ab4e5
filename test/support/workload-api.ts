import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Metadata, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js'
import type { TestSvid, TrustDomain } from './svid.ts'

/** What a procedure answers: a message (and a stream then stays open), an end with a status, or nothing at all. */
export type Answer = Buffer | { readonly status: status } | 'silence'

type Method = 'FetchX509SVID' | 'FetchJWTBundles' | 'FetchJWTSVID'
type Stream = ServerWritableStream<Buffer, Buffer>

/** A Workload API over real gRPC, its messages written by hand from workloadapi.proto, that answers whatever a test wants, however wrong. */
export class WorkloadApi {
  readonly #folder: string
  readonly #answers = new Map<Method, Answer>()
  readonly #open = new Map<Stream, Method>()
  readonly #asked = new Map<Method, number>()
  #server: Server | undefined
  /** The last request for a JWT-SVID, as it came. */
  lastRequest: Buffer | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(): Promise<WorkloadApi> {
    const api = new WorkloadApi(await mkdtemp(join(tmpdir(), 'gatehouse-workload-api-')))
    await api.start()
    return api
  }

  get socket(): string {
    return `unix://${join(this.#folder, 'agent.sock')}`
  }

  /** Requests for it so far. */
  asked(method: Method): number {
    return this.#asked.get(method) ?? 0
  }

  /** From now on, to streams that are open too. */
  answer(method: Method, answer: Answer): void {
    this.#answers.set(method, answer)
    for (const [stream, of] of this.#open) if (of === method) this.#send(stream, answer)
  }

  async start(): Promise<void> {
    const server = new Server({ 'grpc.max_send_message_length': -1 })
    const stream = (method: Method) => (call: Stream) => {
      this.#count(method)
      if (!meant(call.metadata)) {
        call.emit('error', error(status.INVALID_ARGUMENT))
        return
      }
      this.#open.set(call, method)
      call.on('close', () => this.#open.delete(call))
      call.on('cancelled', () => this.#open.delete(call))
      const answer = this.#answers.get(method) ?? 'silence'
      this.#send(call, answer)
    }
    server.addService(SERVICE, {
      FetchX509SVID: stream('FetchX509SVID'),
      FetchJWTBundles: stream('FetchJWTBundles'),
      FetchJWTSVID: (
        call: { request: Buffer; metadata: Metadata },
        callback: (error: object | null, answer?: Buffer) => void,
      ) => {
        this.#count('FetchJWTSVID')
        this.lastRequest = call.request
        const answer = this.#answers.get('FetchJWTSVID') ?? 'silence'
        if (!meant(call.metadata)) callback(error(status.INVALID_ARGUMENT))
        else if (Buffer.isBuffer(answer)) callback(null, answer)
        else if (answer !== 'silence') callback(error(answer.status))
      },
    })
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(this.socket, ServerCredentials.createInsecure(), (failure) =>
        failure ? reject(failure) : resolve(),
      ),
    )
    this.#server = server
  }

  /** Goes away; `start` brings it back. */
  async stop(): Promise<void> {
    this.#server?.forceShutdown()
    this.#server = undefined
    this.#open.clear()
    await rm(join(this.#folder, 'agent.sock'), { force: true })
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #count(method: Method): void {
    this.#asked.set(method, this.asked(method) + 1)
  }

  #send(stream: Stream, answer: Answer): void {
    if (Buffer.isBuffer(answer)) stream.write(answer)
    else if (answer !== 'silence') stream.emit('error', error(answer.status))
  }
}

const asIs = (bytes: Buffer) => bytes
const method = (name: Method, responseStream: boolean) => ({
  path: `/SpiffeWorkloadAPI/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
})
const SERVICE = {
  FetchX509SVID: method('FetchX509SVID', true),
  FetchJWTBundles: method('FetchJWTBundles', true),
  FetchJWTSVID: method('FetchJWTSVID', false),
}

function meant(metadata: Metadata): boolean {
  return metadata.get('workload.spiffe.io')[0] === 'true'
}

function error(code: status): Error & { code: status; metadata: Metadata } {
  return Object.assign(new Error(status[code]), { code, metadata: new Metadata() })
}

/** Parts of an X509SVIDResponse, each of which may be wrong. */
export interface X509Parts {
  readonly spiffeId: string
  readonly chain: Buffer
  /** PKCS #8, DER. */
  readonly key: Buffer
  readonly bundle: Buffer
  readonly federated?: Readonly<Record<string, Buffer>>
}

export function x509Parts(svid: TestSvid, domain: TrustDomain): X509Parts {
  const key = Buffer.from(svid.key.replace(/-----[A-Z ]+-----/g, ''), 'base64')
  return { spiffeId: svid.spiffeId, chain: svid.chain, key, bundle: domain.bundleDer }
}

export function x509Response(parts: X509Parts, ...further: X509Parts[]): Buffer {
  const svid = ({ spiffeId, chain, key, bundle }: X509Parts) =>
    field(1, Buffer.concat([field(1, spiffeId), field(2, chain), field(3, key), field(4, bundle)]))
  return Buffer.concat([...[parts, ...further].map(svid), ...map(3, parts.federated ?? {})])
}

/** @param bundles JWKS documents by `spiffe://TRUST-DOMAIN` */
export function jwtBundlesResponse(bundles: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(map(1, bundles))
}

export function jwtSvidResponse(spiffeId: string, token: string): Buffer {
  return field(1, Buffer.concat([field(1, spiffeId), field(2, token)]))
}

/** A field of wire type 2; an empty one is left out, as proto3 has it. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value as string)
  return bytes.length === 0 ? bytes : Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
}

function map(number: number, entries: Readonly<Record<string, Buffer | string>>): Buffer[] {
  return Object.entries(entries).map(([key, value]) => field(number, Buffer.concat([field(1, key), field(2, value)])))
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}
