import { TrustDomain } from '../../support/svid.ts'
import type { TestSvid } from '../../support/svid.ts'
import type { Shape } from '../shape.ts'

/** Who comes to the port for workloads, with what. */
export type Visitor = (shape: Shape) => Promise<{
  readonly certificate?: TestSvid
  readonly token?: string
  readonly tool?: string
}>

const NIGHTLY = 'nightly'

export const WORKLOAD_CONTROLS: readonly (readonly [id: string, visitor: Visitor])[] = [
  ['with its certificate', async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY) })],
  [
    'with a certificate by an intermediate',
    async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { intermediate: true }) }),
  ],
  ['with a token', async (shape) => ({ token: await shape.domain.jwt(NIGHTLY, shape.endpoint('presto')) })],
]

export const WORKLOAD_ATTACKS: readonly (readonly [id: string, code: string, visitor: Visitor])[] = [
  ['with nothing', 'svid_missing', async () => ({})],
  [
    'of another trust domain',
    'svid_invalid',
    async () => ({ certificate: await (await TrustDomain.create('attacker.example')).svid(NIGHTLY) }),
  ],
  [
    'of another trust domain, with our names',
    'svid_invalid',
    async ({ domain }) => {
      const theirs = await TrustDomain.create('attacker.example')
      return { certificate: await theirs.svid(NIGHTLY, { uris: [domain.id(NIGHTLY)] }) }
    },
  ],
  [
    'of a trust domain that calls itself ours',
    'svid_invalid',
    async ({ domain }) => ({ certificate: await (await TrustDomain.create(domain.name)).svid(NIGHTLY) }),
  ],
  [
    'of ours, in the name of another trust domain',
    'svid_invalid',
    async ({ domain }) => ({
      certificate: await domain.svid(NIGHTLY, { uris: ['spiffe://attacker.example/nightly'] }),
    }),
  ],
  ['expired', 'svid_expired', async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { life: -1 }) })],
  ['not yet valid', 'svid_invalid', async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { from: 300 }) })],
  [
    'with two names',
    'svid_invalid',
    async ({ domain }) => ({
      certificate: await domain.svid(NIGHTLY, { uris: [domain.id(NIGHTLY), domain.id('reports')] }),
    }),
  ],
  [
    'with its name twice',
    'svid_invalid',
    async ({ domain }) => ({
      certificate: await domain.svid(NIGHTLY, { uris: [domain.id(NIGHTLY), domain.id(NIGHTLY)] }),
    }),
  ],
  ['with no name', 'svid_invalid', async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { uris: [] }) })],
  [
    'with a name that is none',
    'svid_invalid',
    async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { uris: ['https://company.example/nightly'] }) }),
  ],
  [
    'that is an authority',
    'svid_invalid',
    async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY, { ca: true }) }),
  ],
  ['that nobody recorded', 'denied', async ({ domain }) => ({ certificate: await domain.svid('other') })],
  ['whose name differs in case', 'denied', async ({ domain }) => ({ certificate: await domain.svid('Nightly') })],
  ['that writes', 'denied', async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY), tool: 'rebuild' })],
  [
    'that calls what it is not recorded for',
    'denied',
    async ({ domain }) => ({ certificate: await domain.svid(NIGHTLY), tool: 'ads_report' }),
  ],
  [
    'with a person’s token beside its certificate',
    'credentials_ambiguous',
    async ({ domain, issuer, endpoint }) => ({
      certificate: await domain.svid(NIGHTLY),
      token: await issuer.token(endpoint('presto')),
    }),
  ],
  [
    'with a person’s token alone',
    'svid_missing',
    async ({ issuer, endpoint }) => ({ token: await issuer.token(endpoint('presto')) }),
  ],
  [
    'with a person’s token that names a workload',
    'svid_missing',
    async ({ domain, issuer, endpoint }) => ({
      token: await issuer.token(endpoint('presto'), { sub: domain.id(NIGHTLY) }),
    }),
  ],
  [
    'with a token for another server',
    'svid_invalid',
    async ({ domain, endpoint }) => ({ token: await domain.jwt(NIGHTLY, endpoint('vault')) }),
  ],
  [
    'with a token for two servers',
    'svid_invalid',
    async ({ domain, endpoint }) => ({
      token: await domain.jwt(NIGHTLY, endpoint('presto'), { aud: [endpoint('presto'), endpoint('vault')] }),
    }),
  ],
  [
    'with an expired token',
    'svid_expired',
    async ({ domain, endpoint }) => ({ token: await domain.jwt(NIGHTLY, endpoint('presto'), { exp: 1_000 }) }),
  ],
  [
    'with a token without an end',
    'svid_invalid',
    async ({ domain, endpoint }) => ({ token: await domain.jwt(NIGHTLY, endpoint('presto'), { exp: undefined }) }),
  ],
  [
    'with a token of another trust domain',
    'svid_invalid',
    async ({ endpoint }) => ({
      token: await (await TrustDomain.create('attacker.example')).jwt(NIGHTLY, endpoint('presto')),
    }),
  ],
  [
    'with a token of a trust domain that calls itself ours',
    'svid_invalid',
    async ({ domain, endpoint }) => ({
      token: await (await TrustDomain.create(domain.name)).jwt(NIGHTLY, endpoint('presto')),
    }),
  ],
  [
    'with a token with a critical header',
    'svid_invalid',
    async ({ domain, endpoint }) => ({
      token: await domain.jwt(NIGHTLY, endpoint('presto'), {}, { jku: 'http://127.0.0.1:9/' }),
    }),
  ],
]
