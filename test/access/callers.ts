import { NIGHTLY, REPORTS, TRUST_DOMAIN } from './servers/definitions.ts'

interface Person {
  readonly groups: readonly string[]
  readonly roles?: readonly string[]
}

export const PEOPLE = {
  ada: { groups: ['ads'] },
  finn: { groups: ['finance'], roles: ['analyst'] },
  otto: { groups: ['ads', 'finance'], roles: ['treasurer'] },
  ines: { groups: ['infra'] },
  vera: { groups: ['security'], roles: ['auditor'] },
  lena: { groups: ['security-leads'] },
  carl: { groups: [] },
} as const satisfies Record<string, Person>

/** A person with a client, or a service. How the client says its channel, right or wrong, is part of who calls. */
export type CallerSpec =
  | {
      readonly kind: 'user'
      readonly person: keyof typeof PEOPLE
      readonly client: string
      /** Holds a device key, and proves it. */
      readonly bound: boolean
      readonly scope?: string
      /** Claim of the DPoP proof. */
      readonly channelInProof?: string
      /** Claim of the token. */
      readonly channelInToken?: string
      /** In a plain header, which says nothing. */
      readonly channelInHeader?: string
    }
  | { readonly kind: 'workload'; readonly spiffeId: string; readonly by: 'X.509-SVID' | 'JWT-SVID' }

const editor = (person: keyof typeof PEOPLE, scope?: string) =>
  ({ kind: 'user', person, client: 'gatehouse-vscode', bound: true, ...(scope && { scope }) }) as const
const cli = (person: keyof typeof PEOPLE, scope?: string) =>
  ({ kind: 'user', person, client: 'gatehouse-cli', bound: false, ...(scope && { scope }) }) as const
const bot = (
  person: keyof typeof PEOPLE,
  channel: { channelInProof?: string; channelInToken?: string; channelInHeader?: string },
) => ({ kind: 'user', person, client: 'gatehouse-team-chat', bound: true, ...channel }) as const
const bearer = (person: keyof typeof PEOPLE, client: string, channelInToken?: string) =>
  ({ kind: 'user', person, client, bound: false, ...(channelInToken && { channelInToken }) }) as const

export const CALLERS = {
  'ada in the editor': editor('ada'),
  'finn in the editor': editor('finn'),
  'otto in the editor': editor('otto'),
  'otto in the editor, to export': editor('otto', 'mcp presto:export'),
  'otto in the editor, to export in bulk': editor('otto', 'mcp presto:export presto:bulk'),
  'ada in the editor, to export in bulk': editor('ada', 'mcp presto:export presto:bulk'),
  'ines in the editor': editor('ines'),
  'vera in the editor': editor('vera'),
  'lena in the editor': editor('lena'),
  'carl in the editor': editor('carl'),
  'ada on the command line': cli('ada'),
  'finn on the command line': cli('finn'),
  'finn on the command line, to export': cli('finn', 'mcp presto:export'),
  'otto on the command line': cli('otto'),
  'ines on the command line': cli('ines'),
  'vera on the command line': cli('vera'),
  'ada on a web page': bearer('ada', 'other-web'),
  'ada with a client that registered itself': bearer('ada', 'self-registered-9f2'),
  'ada with a client that nobody knows': bearer('ada', 'elsewhere'),
  'ines in #support-infra': bot('ines', { channelInProof: '#support-infra' }),
  'ines in #support-ads': bot('ines', { channelInProof: '#support-ads' }),
  'ines in #random': bot('ines', { channelInProof: '#random' }),
  'ines in no channel': bot('ines', {}),
  'ines with a channel in a header': bot('ines', { channelInHeader: '#support-infra' }),
  'ines with a channel in the token of a client that signs proofs': bot('ines', { channelInToken: '#support-infra' }),
  'ada in #support-ads': bot('ada', { channelInProof: '#support-ads' }),
  'finn in #support-ads': bot('finn', { channelInProof: '#support-ads' }),
  'ines at the desk in #support-infra': bearer('ines', 'support-desk', '#support-infra'),
  'ines at the desk in #random': bearer('ines', 'support-desk', '#random'),
  'ines at the desk in no channel': bearer('ines', 'support-desk'),
  'ines in a shared editor in #support-infra': bearer('ines', 'pair-editor', '#support-infra'),
  'ines in a shared editor in #random': bearer('ines', 'pair-editor', '#random'),
  'ines in a shared editor in no channel': bearer('ines', 'pair-editor'),
  'the nightly job': { kind: 'workload', spiffeId: NIGHTLY, by: 'X.509-SVID' },
  'the nightly job by token': { kind: 'workload', spiffeId: NIGHTLY, by: 'JWT-SVID' },
  'the reports job': { kind: 'workload', spiffeId: REPORTS, by: 'X.509-SVID' },
  'a job that nobody recorded': { kind: 'workload', spiffeId: `spiffe://${TRUST_DOMAIN}/other`, by: 'X.509-SVID' },
} as const satisfies Record<string, CallerSpec>
export type CallerName = keyof typeof CALLERS
