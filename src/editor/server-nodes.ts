import type { Effect, ListedServer, Review, ServerRecord } from '@gatehouse/contracts'
import type { CatalogProblem, CatalogState } from '../catalog/types.ts'
import type { ServerHealth } from '../connections/types.ts'
import type { SessionState } from '../session/types.ts'
import { explain } from './errors.ts'
import { shownLine } from './shown-text.ts'

/** One row of the Servers tree, as data. `icon` is a codicon id, `color` a theme colour id. */
export interface ServerNode {
  /** Stable across refreshes, so that the tree keeps what is open. */
  readonly id: string
  readonly kind: 'problem' | 'server' | 'denied' | 'owner' | 'support' | 'review' | 'health' | 'reason' | 'tool'
  readonly label: string
  readonly description?: string
  /** Plain text, one fact per line. */
  readonly tooltip: string
  readonly icon: string
  readonly color?: string
  readonly children: readonly ServerNode[]
  /** Open from the start: its rows are what a person must see. */
  readonly expanded?: boolean
  /** The server the row belongs to, and what its commands act on. */
  readonly server?: string
  readonly supportChannel?: string
}

/** Which of the view's welcome texts stands in place of rows. `list`: none, there are rows. */
export type ServersView = 'signed-out' | 'signing-in' | 'loading' | 'unavailable' | 'empty' | 'list'

export function serversView(session: SessionState, catalog: CatalogState): ServersView {
  if (session.kind === 'restoring') return 'loading'
  if (session.kind !== 'signed-in') return session.kind
  switch (catalog.kind) {
    case 'signed-out':
    case 'loading':
      return 'loading'
    case 'unavailable':
      return 'unavailable'
    case 'ready':
      return catalog.servers.length === 0 ? 'empty' : 'list'
  }
}

/** Allowed servers first, then those that are denied, each by title. */
export function serverNodes(catalog: CatalogState, health: (server: string) => ServerHealth): readonly ServerNode[] {
  if (catalog.kind !== 'ready') return []
  const rows = catalog.servers
    .map((listed) =>
      listed.access === 'allowed' ? allowedNode(listed.record, health(listed.record.id)) : deniedNode(listed),
    )
    .sort((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label))
  return catalog.problem ? [problemNode(catalog.problem, catalog.expiresAt), ...rows] : rows
}

function rank(node: ServerNode): number {
  return node.kind === 'denied' ? 1 : 0
}

function problemNode({ code, message }: CatalogProblem, expiresAt: number): ServerNode {
  const until = new Date(expiresAt).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
  const { title } = explain(code)
  const tooltip = `${shownLine(message, 500)}\nThe list fetched before is signed until ${until}. After that every server is closed.`
  return {
    id: 'problem',
    kind: 'problem',
    label: title,
    tooltip,
    icon: 'warning',
    color: 'list.warningForeground',
    expanded: true,
    children: [
      {
        id: 'problem/until',
        kind: 'reason',
        label: `Last list used until ${until}`,
        tooltip,
        icon: 'history',
        children: [],
      },
    ],
  }
}

function allowedNode(record: ServerRecord, health: ServerHealth): ServerNode {
  const id = `server:${record.id}`
  const status = healthWords(health)
  const channel = shownLine(record.support.channel)
  const base = { server: record.id, supportChannel: record.support.channel }
  const row = (
    kind: ServerNode['kind'],
    label: string,
    description: string,
    icon: string,
    color?: string,
  ): ServerNode => {
    const tint = color === undefined ? {} : { color }
    return {
      ...base,
      id: `${id}/${kind}`,
      kind,
      label,
      description,
      tooltip: `${label}: ${description}`,
      icon,
      children: [],
      ...tint,
    }
  }
  const reviewed = reviewWords(record.reviews)
  return {
    ...base,
    id,
    kind: 'server',
    label: shownLine(record.title),
    description: `${shownLine(record.owner.team)}${status.brief === '' ? '' : ` · ${status.brief}`}`,
    tooltip: [
      `${shownLine(record.title)} ${shownLine(record.version)}`,
      shownLine(record.description),
      `Owner: ${shownLine(record.owner.team)} (${shownLine(record.owner.contact)})`,
      `Support: ${channel}`,
      `Review: ${reviewed.words}`,
      `Health: ${status.words}`,
    ].join('\n'),
    icon: status.icon,
    ...(status.color === undefined ? {} : { color: status.color }),
    children: [
      row('owner', 'Owner', `${shownLine(record.owner.team)}, ${shownLine(record.owner.contact)}`, 'organization'),
      row('support', 'Support', channel, 'comment-discussion'),
      row('review', 'Review', reviewed.words, reviewed.complete ? 'verified' : 'unverified'),
      row('health', 'Health', status.words, 'pulse', status.color),
      ...record.tools.map((tool) => toolNode(record, tool)),
    ],
  }
}

function toolNode(record: ServerRecord, tool: ServerRecord['tools'][number]): ServerNode {
  const look = EFFECT_LOOKS[tool.effect]
  const minutes = tool.minutesSaved > 0 ? `\nThe owner's estimate: ${tool.minutesSaved} minutes saved a call.` : ''
  return {
    id: `server:${record.id}/tool/${tool.name}`,
    kind: 'tool',
    label: shownLine(tool.name),
    description: look.words,
    tooltip: `${shownLine(tool.title ?? tool.name)}\n${look.explanation}${minutes}`,
    icon: look.icon,
    ...(look.color === undefined ? {} : { color: look.color }),
    children: [],
    server: record.id,
    supportChannel: record.support.channel,
  }
}

const EFFECT_LOOKS: Readonly<Record<Effect, { icon: string; words: string; explanation: string; color?: string }>> = {
  read: { icon: 'eye', words: 'reads', explanation: 'Reads data, and runs at once.' },
  expensive: {
    icon: 'flame',
    words: 'costly, asks first',
    explanation: 'Reads data at a high cost, so it waits for your approval.',
    color: 'charts.yellow',
  },
  write: {
    icon: 'edit',
    words: 'changes data, asks first',
    explanation: 'Changes data, so it waits for your approval.',
    color: 'charts.orange',
  },
}

function deniedNode(listed: ListedServer & { access: 'denied' }): ServerNode {
  const id = `denied:${listed.id}`
  const base = { server: listed.id, supportChannel: listed.support.channel }
  const reason = shownLine(listed.reason, 500)
  const ask = `${shownLine(listed.owner.team)}, ${shownLine(listed.owner.contact)}`
  return {
    ...base,
    id,
    kind: 'denied',
    label: shownLine(listed.title),
    description: 'no access',
    tooltip: `${reason}\nAsk ${ask} in ${shownLine(listed.support.channel)}.`,
    icon: 'lock',
    color: 'disabledForeground',
    expanded: true,
    children: [
      { ...base, id: `${id}/reason`, kind: 'reason', label: reason, tooltip: reason, icon: 'info', children: [] },
      {
        ...base,
        id: `${id}/owner`,
        kind: 'owner',
        label: 'Ask',
        description: ask,
        tooltip: `Ask ${ask}`,
        icon: 'organization',
        children: [],
      },
      {
        ...base,
        id: `${id}/support`,
        kind: 'support',
        label: 'Support',
        description: shownLine(listed.support.channel),
        tooltip: shownLine(listed.support.channel),
        icon: 'comment-discussion',
        children: [],
      },
    ],
  }
}

function reviewWords(reviews: readonly Review[]): { words: string; complete: boolean } {
  const gates = reviews.filter((review) => review.status !== 'not-required')
  const complete = gates.every((review) => review.status === 'approved')
  if (gates.length === 0) return { words: 'no gate required', complete: true }
  return { words: gates.map((review) => `${GATES[review.gate]} ${review.status}`).join(', '), complete }
}

const GATES: Readonly<Record<Review['gate'], string>> = { security: 'security', legal: 'legal', genai: 'GenAI' }

function healthWords(health: ServerHealth): { words: string; brief: string; icon: string; color?: string } {
  switch (health.kind) {
    case 'idle':
      return { words: 'not used yet', brief: '', icon: 'server' }
    case 'connecting':
      return { words: 'connecting', brief: 'connecting…', icon: 'loading~spin' }
    case 'ready':
      return { words: 'connected', brief: '', icon: 'server-environment', color: 'testing.iconPassed' }
    case 'failed':
      return {
        words: shownLine(health.message, 300),
        brief: 'not working',
        icon: 'error',
        color: 'list.errorForeground',
      }
  }
}
