// A workload that only says who it is: its X.509-SVID, and a JWT-SVID for `AUDIENCE`, as one line of JSON.
import { createLogger, openWorkloadIdentity } from '@gatehouse/kit/workload'

const identity = await openWorkloadIdentity({
  socket: process.env['SPIFFE_ENDPOINT_SOCKET'] ?? '',
  log: createLogger('svid-printer'),
  signal: AbortSignal.timeout(60_000),
})
const { bundles: _bundles, ...svid } = identity.current()
process.stdout.write(JSON.stringify({ ...svid, jwt: await identity.fetchJwt(process.env['AUDIENCE'] ?? '') }))
identity.close()
