import type { RecordedClient, ServerRecord } from '@gatehouse/contracts'
import type { Offer, ServerDefinition } from '@gatehouse/kit'
import { offersOf, type Runs } from './offers.ts'

export const SERVER_NAMES = ['presto', 'runbooks', 'vault', 'treasury', 'almanac'] as const
export type ServerName = (typeof SERVER_NAMES)[number]

/** Trust domain of the world's workloads. */
export const TRUST_DOMAIN = 'company.example'
export const NIGHTLY = `spiffe://${TRUST_DOMAIN}/nightly`
export const REPORTS = `spiffe://${TRUST_DOMAIN}/reports`

/** A server made on the kit, and what its record says beside what the server says of itself. */
export interface WorldServer {
  readonly definition: ServerDefinition
  readonly governance: Partial<ServerRecord>
  /** Groups that the record demands of one of its offers, where they are others than the author's policy names. */
  readonly recordedGroups?: Readonly<Record<string, readonly string[]>>
  /** Offers that the reviewers never recorded. */
  readonly unrecorded?: readonly string[]
}

const EDITOR: RecordedClient = { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false }
const CLI: RecordedClient = { clientId: 'gatehouse-cli', surface: 'cli', bearer: true }
const WEB: RecordedClient = { clientId: 'other-web', surface: 'web', bearer: true }
const BOT: RecordedClient = {
  clientId: 'gatehouse-team-chat',
  surface: 'team-chat',
  bearer: false,
  approves: false,
  channel: 'proof',
}
/** Another chat client: its provider puts the channel in the token. */
const DESK: RecordedClient = { clientId: 'support-desk', surface: 'team-chat', bearer: true, channel: 'token' }
/** An editor in a shared session, which has a channel too. */
const PAIR: RecordedClient = { clientId: 'pair-editor', surface: 'ide', bearer: true, channel: 'token' }
const SELF: RecordedClient = { selfRegistered: true, surface: 'cli' }

export function worldServers(runs: Runs): Readonly<Record<ServerName, WorldServer>> {
  return {
    presto: presto(runs),
    runbooks: runbooks(runs),
    vault: vault(runs),
    treasury: treasury(runs),
    almanac: almanac(runs),
  }
}

/** Groups, roles, scopes, surfaces, arguments, writes, workloads. */
function presto(runs: Runs): WorldServer {
  const { reads, writes, weighs, prompt, resource, template } = offersOf('presto', runs)
  return {
    definition: define('presto', [
      reads('search', {}),
      reads('ads_report', { groups: ['ads'] }),
      reads('ledger', { groups: ['finance'] }),
      reads('pivot', { roles: ['analyst'] }),
      reads('export', { scopes: ['presto:export'] }),
      reads('export_ledger', { groups: ['finance'], scopes: ['presto:export', 'presto:bulk'] }),
      reads('sandbox', { arguments: { table: { like: ['sandbox.*', 'ads.public_*'], unlessGroups: ['finance'] } } }),
      reads('preview', { surfaces: ['ide'] }),
      reads('hidden', {}),
      reads('freshness', { workloads: 'recorded' }),
      reads('heartbeat', { workloads: [NIGHTLY] }),
      writes('rebuild', { workloads: 'recorded' }),
      weighs('compute', { workloads: 'recorded' }),
      prompt('review', {}),
      prompt('ads_review', { groups: ['ads'] }),
      resource('glossary', 'presto://glossary', {}),
      resource('budget', 'presto://budget', { groups: ['finance'] }),
      template('table', 'presto://tables/{name}', { roles: ['analyst'] }),
    ]),
    governance: {
      groups: ['ads', 'finance'],
      surfaces: ['ide', 'cli'],
      support: { channel: '#presto-help' },
      clients: [EDITOR, CLI, WEB, BOT, SELF],
      workloads: [
        { spiffeId: NIGHTLY, tools: ['freshness', 'heartbeat', 'rebuild', 'compute', 'search'] },
        { spiffeId: REPORTS, tools: ['heartbeat'] },
      ],
    },
    recordedGroups: { ledger: [] },
    unrecorded: ['hidden'],
  }
}

/** An editor, and team chat in two channels. */
function runbooks(runs: Runs): WorldServer {
  const { reads, writes, prompt, resource } = offersOf('runbooks', runs)
  return {
    definition: define('runbooks', [
      reads('find_runbook', {}),
      reads('oncall', { channels: ['#support-infra'] }),
      reads('diagnose', { surfaces: ['team-chat'] }),
      reads('topology', { groups: ['infra'] }),
      writes('restart', { surfaces: ['ide'] }),
      prompt('handover', { channels: ['#support-infra'] }),
      resource('rota', 'runbooks://rota', { surfaces: ['ide'] }),
      resource('board', 'runbooks://board', { channels: ['#support-infra'] }),
    ]),
    governance: {
      groups: ['infra', 'ads'],
      surfaces: ['ide', 'team-chat'],
      channels: ['#support-ads', '#support-infra'],
      support: { channel: '#runbooks-help' },
      clients: [EDITOR, CLI, BOT, DESK, PAIR],
    },
  }
}

/** Not to be known of by those outside. */
function vault(runs: Runs): WorldServer {
  const { reads, prompt, resource } = offersOf('vault', runs)
  return {
    definition: define('vault', [
      reads('index', {}),
      reads('rotation', { groups: ['security-leads'] }),
      reads('trail', { roles: ['auditor'] }),
      prompt('briefing', { groups: ['security-leads'] }),
      resource('register', 'vault://register', { groups: ['security-leads'] }),
    ]),
    governance: {
      groups: ['security', 'security-leads'],
      surfaces: ['ide'],
      support: { channel: '#vault' },
      discoverable: false,
      clients: [EDITOR, CLI],
    },
  }
}

/** In production, for the command line alone. */
function treasury(runs: Runs): WorldServer {
  const { reads } = offersOf('treasury', runs)
  return {
    definition: define('treasury', [
      reads('positions', {}),
      reads('forecast', { roles: ['treasurer', 'auditor'] }),
      reads('statement', { arguments: { table: { like: ['public.*'] } } }),
    ]),
    governance: {
      groups: ['finance'],
      surfaces: ['cli'],
      environment: 'production',
      support: { channel: '#treasury' },
      clients: [CLI, EDITOR],
    },
  }
}

const ALMANAC_CEDAR = `
@id("drafts") @reason("drafts are for their authors")
forbid (principal, action, resource == Tool::"almanac/draft") unless { principal == User::"ines" };
@id("tables") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "table" };
@id("ads-tables") @reason("only the ads team may read it")
forbid (principal, action, resource is Resource) when { resource.name like "ads.*" } unless { principal in Group::"ads" };
`

/** With Cedar policies of its own. */
function almanac(runs: Runs): WorldServer {
  const { reads, asks, prompt, resource } = offersOf('almanac', runs)
  return {
    definition: {
      ...define('almanac', [
        reads('today', {}),
        reads('draft', {}),
        asks('read_table', {}),
        prompt('ads_news', { groups: ['ads'] }),
        prompt('outlook', { roles: ['analyst'] }),
        prompt('notes', { surfaces: ['ide'] }),
        prompt('digest', { scopes: ['almanac:digest'] }),
        prompt('unseen', {}),
        resource('budget', 'almanac://budget', { groups: ['finance'] }),
        resource('archive', 'almanac://archive', { scopes: ['almanac:archive'] }),
        resource('sketch', 'almanac://sketch', {}),
      ]),
      cedar: ALMANAC_CEDAR,
    },
    governance: {
      groups: ['ads', 'finance', 'infra'],
      surfaces: ['ide', 'cli'],
      support: { channel: '#almanac' },
      clients: [EDITOR, CLI],
    },
    recordedGroups: { ads_news: [], budget: [] },
    unrecorded: ['unseen', 'sketch'],
  }
}

function define(id: ServerName, offers: readonly Offer[]): ServerDefinition {
  return {
    id,
    title: id,
    version: '1.0.0',
    toolsClass: offers,
    start: async () => ({ tools: offers, dispose: async () => undefined }),
  }
}
