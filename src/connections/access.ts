import type { RecordedTool, ServerRecord } from '@gatehouse/contracts'
import type { Catalog } from '../catalog/types.ts'
import type { Session } from '../session/types.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import { placeOf } from './readable-surface.ts'
import type { CheckedSurface } from './surface.ts'
import type { OfferedTool } from './types.ts'
import { matchesTemplate } from './uri-template.ts'

/** May this person use it, at this very moment? Asked before every call, and again when an approved step starts. */
export interface Access {
  /** @throws ConnectionError `not_signed_in`, `server_not_allowed` */
  recordAt(server: string): ServerRecord
  /** @throws ConnectionError `not_signed_in`, `server_not_allowed`, `tool_not_allowed` */
  toolAt(server: string, tool: string): { readonly record: ServerRecord; readonly tool: RecordedTool }
  /** @throws ConnectionError `not_signed_in`, `server_not_allowed`, `prompt_not_allowed` */
  promptAt(server: string, prompt: string): ServerRecord
  /**
   * The record, and the place of the resource or template in it that allows `uri`.
   * @throws ConnectionError `not_signed_in`, `server_not_allowed`, `resource_not_allowed`
   */
  resourceAt(server: string, uri: string): { readonly record: ServerRecord; readonly place: string }
  /** @throws ConnectionError `tool_not_offered`, `tool_refused` */
  offered(surface: CheckedSurface, tool: string): OfferedTool
  /** @throws ConnectionError `not_signed_in` */
  subject(): string
  /** The list that the decision was made under. */
  policyVersion(): string
}

export function createAccess(catalog: Catalog, session: Session): Access {
  return {
    recordAt,
    toolAt(server, name) {
      const record = recordAt(server)
      const tool = record.tools.find((item) => item.name === name)
      if (!tool) throw notRecorded('tool_not_allowed', name, record)
      return { record, tool }
    },
    promptAt(server, name) {
      const record = recordAt(server)
      if (!record.prompts.some((item) => item.name === name)) throw notRecorded('prompt_not_allowed', name, record)
      return record
    },
    resourceAt(server, uri) {
      const record = recordAt(server)
      const exact = record.resources.find((item) => item.uri === uri)
      const found =
        exact ??
        record.resources.find(({ uriTemplate }) => uriTemplate !== undefined && matchesTemplate(uriTemplate, uri))
      if (!found) throw notRecorded('resource_not_allowed', 'this resource', record)
      return { record, place: placeOf(found) }
    },
    offered(surface, name) {
      const refused = surface.refused.get(name)
      if (refused) throw refused
      const offered = surface.tools.get(name)
      if (!offered)
        throw new ConnectionError('tool_not_offered', `The server does not offer ${name} to you at the moment.`)
      return offered
    },
    subject() {
      const state = session.state()
      if (state.kind !== 'signed-in') throw notSignedIn()
      return state.account.subject
    },
    policyVersion() {
      const state = catalog.state()
      return state.kind === 'ready' ? state.version : 'none'
    },
  }

  function recordAt(server: string): ServerRecord {
    if (session.state().kind !== 'signed-in') throw notSignedIn()
    const listed = catalog.find(server)
    if (!listed) throw notAllowed(catalog, server)
    return listed.record
  }
}

function notRecorded(code: ConnectionErrorCode, what: string, record: ServerRecord): ConnectionError {
  const { title, owner } = record
  return new ConnectionError(code, `You may not use ${what} on ${title}. Ask ${owner.team} (${owner.contact}).`)
}

function notAllowed(catalog: Catalog, server: string): ConnectionError {
  const state = catalog.state()
  if (state.kind === 'signed-out') return notSignedIn()
  if (state.kind === 'unavailable') {
    return new ConnectionError(
      'server_not_allowed',
      `No approved list may be used now, so access is closed. ${state.problem.message}`,
    )
  }
  const denied =
    state.kind === 'ready' ? state.servers.find((item) => item.access === 'denied' && item.id === server) : undefined
  if (denied?.access === 'denied') {
    return new ConnectionError(
      'server_not_allowed',
      `You may not use ${denied.title}: ${denied.reason} Ask ${denied.owner.team} (${denied.owner.contact}).`,
    )
  }
  return new ConnectionError('server_not_allowed', 'This server is not on your list of approved servers.')
}

function notSignedIn(): ConnectionError {
  return new ConnectionError('not_signed_in', 'Sign in to Gatehouse first.')
}
