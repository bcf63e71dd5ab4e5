import type { ReadyEvent, StackEvent } from './stack-events.ts'

export type StackPrinter = (event: StackEvent) => void

/** One JSON object per line. */
export const jsonPrinter: StackPrinter = (event) => console.log(JSON.stringify(event))

/** For a person at a terminal. */
export function humanPrinter(data: string): StackPrinter {
  return (event) => {
    const text = describe(event, data)
    if (text !== undefined) console.log(text)
  }
}

function describe(event: StackEvent, data: string): string | undefined {
  switch (event.kind) {
    case 'starting':
      return `Starting ${event.service} …`
    case 'started':
      return undefined
    case 'crashed':
      return `${event.service} ended by itself (${event.reason}); starting it again in ${event.restartInMs / 1000} s. Its log: ${data}/logs/${event.service}.log`
    case 'installing':
      return event.message
    case 'database':
      return event.where === 'embedded' ? 'PostgreSQL is up (embedded).' : 'Using the PostgreSQL of DATABASE_URL.'
    case 'listed':
      if (event.status === 'listed') return undefined
      return `${event.server} is ${event.status}${event.reason === undefined ? '' : `: ${event.reason}`}. "gatehouse reinstate" lifts it.`
    case 'ready':
      return summary(event, data)
    case 'stopping':
      return 'Stopping …'
    case 'stopped':
      return 'Stopped. Your data is kept.'
    case 'error':
      return undefined
  }
}

function summary(ready: ReadyEvent, data: string): string {
  const rows: [string, string][] = [
    ...(ready.registry === undefined ? [] : [['Registry', ready.registry] satisfies [string, string]]),
    ['Sign-in', ready.issuer],
    ...(ready.edge === undefined ? [] : [['Edge', ready.edge.url] satisfies [string, string]]),
    ...Object.entries(ready.servers).map(([id, { url, workloads }]) => row(id, url, workloads)),
    ['Data', data],
  ]
  const width = Math.max(...ready.people.map(({ user }) => user.length))
  const roleWidth = Math.max(...ready.people.map(({ role }) => role.length))
  const people = ready.people.map(
    ({ user, role, groups }) =>
      `  ${user.padEnd(width)}  ${role.padEnd(roleWidth)}  ${groups.join(', ') || 'no groups'}`,
  )
  return [
    '',
    'Gatehouse is running. Ctrl-C stops it.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(9)} ${value}`),
    '',
    `Sign in as one of these; everyone’s password is "${ready.password}":`,
    ...people,
  ].join('\n')
}

function row(server: string, url: string, workloads: string | undefined): [string, string] {
  return [server, workloads === undefined ? url : `${url}   for services ${workloads}`]
}
