// One editor window in a process of its own: refreshes again and again, and says what came of it.
import { FileStore } from '../support/file-store.ts'
import { openWindow } from '../support/session-window.ts'

/** What a window tells at its end. */
export interface WindowReport {
  readonly state: string
  /** Grant types of its requests to the token endpoint, and the status of each answer. */
  readonly grants: readonly (readonly [grant: string, status: number])[]
  /** Codes of what was thrown. */
  readonly errors: readonly string[]
  /** How many different tokens it got. */
  readonly tokens: number
}

const [registryUrl = '', folder = '', store = '', rounds = '0'] = process.argv.slice(2)
const grants: [string, number][] = []
const errors: string[] = []
const tokens = new Set<string>()
const { session } = openWindow({
  registryUrl,
  folder,
  secrets: new FileStore(store),
  fetch: async (input, init) => {
    const response = await fetch(input, init)
    const grant = init?.body instanceof URLSearchParams ? init.body.get('grant_type') : null
    if (grant !== null) grants.push([grant, response.status])
    return response
  },
})
await session.restored
process.send?.('ready')
await new Promise((resolve) => process.once('message', resolve))
for (let round = 0; round < Number(rounds); round++) {
  session.forget(registryUrl)
  // The whole window wants it at once.
  const wanted = await Promise.allSettled(Array.from({ length: 5 }, () => session.tokenFor(registryUrl)))
  for (const one of wanted) {
    if (one.status === 'fulfilled') tokens.add(one.value.token)
    else errors.push((one.reason as { code?: string }).code ?? String(one.reason))
  }
}
const report: WindowReport = { state: session.state().kind, grants, errors, tokens: tokens.size }
process.send?.(report, undefined, undefined, () => process.exit(0))
