import { type CallOptions, Client, type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js'
import { SpiffeError } from './spiffe-error.ts'
import { writeJwtRequest } from './workload-api-messages.ts'

/** Bytes of one message; some hundred authorities of federated trust domains. */
const LARGEST_MESSAGE = 2 * 1024 * 1024
const JWT_DEADLINE = 10_000

/** The Workload API's procedures; what comes is bytes that nobody has looked at yet. */
export interface WorkloadApiClient {
  x509Svids(): ClientReadableStream<Buffer>
  jwtBundles(): ClientReadableStream<Buffer>
  /** @throws the error of gRPC */
  jwtSvid(audience: string, spiffeId: string, signal?: AbortSignal): Promise<Buffer>
  close(): void
}

/**
 * @param socket `unix:///absolute/path`: whoever answers there is believed, so it must be on this machine (SPIFFE Workload Endpoint section 4)
 * @throws SpiffeError `workload_api_failed` for any other address
 */
export function connectWorkloadApi(socket: string): WorkloadApiClient {
  if (!/^unix:\/\/\/[^?#]+$/.test(socket)) {
    throw new SpiffeError('workload_api_failed', 'the address of the Workload API must be unix:///absolute/path')
  }
  const client = new Client(socket, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': LARGEST_MESSAGE,
    // Its own waiting must not be longer than ours, or an agent that is back would go unnoticed.
    'grpc.initial_reconnect_backoff_ms': 250,
    'grpc.max_reconnect_backoff_ms': 2_000,
  })
  const stream = (method: string) =>
    client.makeServerStreamRequest(path(method), asIs, asIs, Buffer.alloc(0), securityHeader())
  return {
    x509Svids: () => stream('FetchX509SVID'),
    jwtBundles: () => stream('FetchJWTBundles'),
    jwtSvid(audience, spiffeId, signal) {
      const options: CallOptions = { deadline: Date.now() + JWT_DEADLINE }
      const request = writeJwtRequest(audience, spiffeId)
      return new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          path('FetchJWTSVID'),
          asIs,
          asIs,
          request,
          securityHeader(),
          options,
          (error, answer) => {
            signal?.removeEventListener('abort', cancel)
            if (answer) resolve(answer)
            else reject(error ?? new TypeError('there is no answer'))
          },
        )
        const cancel = () => call.cancel()
        if (signal?.aborted) cancel()
        signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    close: () => client.close(),
  }
}

/** The service stands in no package (workloadapi.proto). */
function path(method: string): string {
  return `/SpiffeWorkloadAPI/${method}`
}

/** SPIFFE Workload Endpoint section 3: it shows that the request was meant for this API. */
function securityHeader(): Metadata {
  const metadata = new Metadata()
  metadata.set('workload.spiffe.io', 'true')
  return metadata
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}
