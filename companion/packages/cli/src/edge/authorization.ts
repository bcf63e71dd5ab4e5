import {
  isSelfRegistered,
  type RecordedClient,
  type RegisteredClient,
  SELF_REGISTERED,
  type ServerRecord,
} from '@gatehouse/contracts'
import { claim, SCHEMES } from './authentication.ts'
import type { EdgeRoute } from './edge-route.ts'
import { type EnvoyData, extension, typed } from './envoy-data.ts'
import { saysWhoCalls } from './identity-headers.ts'
import { all, hasHeader, header, not, regex, some } from './match.ts'
import { type Denial, denying } from './policies.ts'

const TYPE = 'envoy.extensions.filters.http.rbac.v3'
const ACCESS = 'gatehouse.access'
/** The era that says method and name in headers. */
const MODERN = '2026-07-28'

/** RFC 6750 section 2.1 and RFC 9449 section 7.1. */
const CREDENTIALS = `(${SCHEMES.join('|')}) +[A-Za-z0-9._~+/-]+=*`

/** Refuses, before any token is looked at, what nobody honest sends. */
export const shapeCheck: EnvoyData = extension('gatehouse.shape', `${TYPE}.RBAC`, {
  rules: denying([
    { rule: 'identity-header', of: saysWhoCalls },
    // Envoy joins repeated headers with a comma, and credentials of ours have none.
    { rule: 'authorization-repeated', of: header('authorization', { contains: ',' }) },
    // Envoy finds its prefix anywhere in the header, so that `Basic x Bearer TOKEN` would pass.
    {
      rule: 'authorization-malformed',
      of: all(hasHeader('authorization'), not(header('authorization', regex(CREDENTIALS)))),
    },
  ]),
})

/** Where the route says nothing, nobody passes. */
export const accessCheck: EnvoyData = extension(ACCESS, `${TYPE}.RBAC`, { rules: { action: 'ALLOW', policies: {} } })

/** A route that needs no caller. */
export const openToAll: EnvoyData = { [ACCESS]: typed(`${TYPE}.RBACPerRoute`) }

/**
 * What the record of a server denies, as far as token and headers tell it. The server decides all of it again: whatever the edge cannot tell for
 * certain, or what the server would refuse for an earlier reason, is left to it.
 */
export function accessTo({ record }: EdgeRoute): EnvoyData {
  return { [ACCESS]: typed(`${TYPE}.RBACPerRoute`, { rbac: { rules: denying(denialsOf(record)) } }) }
}

function denialsOf(record: ServerRecord): readonly Denial[] {
  const { clients, surfaces, channels, groups } = record
  const fits = wellPresented(clients)
  const elsewhere = clients.filter(({ surface }) => !surfaces.includes(surface))
  const speechless =
    channels.length === 0 ? [] : clients.filter((client) => needsChannel(client) && !hasChannel(client))
  const plain = clients.filter((client) => channels.length === 0 || !(needsChannel(client) || hasChannel(client)))
  return [
    { rule: 'client-unknown', of: not(isOneOf(clients)) },
    { rule: 'server-groups', of: all(fits, isInNone(groups)) },
    { rule: 'server-surface', of: all(fits, isOneOf(elsewhere)) },
    { rule: 'server-channel', of: all(fits, isOneOf(speechless)) },
    ...record.tools.flatMap(({ name, groups }, tool): readonly Denial[] =>
      groups.length === 0
        ? []
        : [{ rule: 'tool-groups', tool, of: all(fits, isOneOf(plain), isInNone(groups)), requests: callOf(name) }],
    ),
  ]
}

/** A surface that has channels (decision 0017). */
function needsChannel({ surface }: RecordedClient): boolean {
  return surface === 'team-chat'
}

function hasChannel(client: RecordedClient): boolean {
  return !isSelfRegistered(client) && client.channel !== undefined
}

function isOneOf(clients: readonly RecordedClient[]): EnvoyData {
  return some(clients.map(isClient))
}

/** Providers without the claim `client_id` (RFC 9068 section 2.2) name the client in `azp`. */
function isClient(client: RecordedClient): EnvoyData {
  const id = isSelfRegistered(client) ? { prefix: SELF_REGISTERED } : { exact: client.clientId }
  return some([
    claim(['client_id'], { string_match: id }),
    all(not(claim(['client_id'], PRESENT)), claim(['azp'], { string_match: id })),
  ])
}

const PRESENT = { present_match: true }

/** A token without the claim has no groups; of one whose claim is no list the server says that it is malformed. */
function isInNone(groups: readonly string[]): EnvoyData {
  const oneOf = (value: EnvoyData) => claim(['groups'], { list_match: { one_of: value } })
  return all(
    not(some(groups.map((group) => oneOf({ string_match: { exact: group } })))),
    some([not(claim(['groups'], PRESENT)), oneOf({ string_match: regex('(?s).*') })]),
  )
}

/** The token comes in the way in which its client has to present it; of any other the server says so first. */
function wellPresented(clients: readonly RecordedClient[]): EnvoyData {
  const scheme = (name: string) => header('authorization', { prefix: `${name} `, ignore_case: true })
  const bearers = clients.filter((client) => isSelfRegistered(client) || (client satisfies RegisteredClient).bearer)
  return some([
    all(scheme('DPoP'), hasHeader('dpop'), claim(['cnf', 'jkt'], PRESENT)),
    all(scheme('Bearer'), not(claim(['cnf'], PRESENT)), isOneOf(bearers)),
  ])
}

/** A call of a tool, as its headers say; that the body says the same is for the server to check. */
function callOf(tool: string): EnvoyData {
  const exactly = (name: string, exact: string) => ({ header: { name, string_match: { exact } } })
  return {
    and_rules: {
      rules: [exactly('mcp-protocol-version', MODERN), exactly('mcp-method', 'tools/call'), exactly('mcp-name', tool)],
    },
  }
}
