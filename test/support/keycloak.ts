import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../scripts/free-port.ts'
import { installKeycloak } from '../../scripts/install/keycloak.ts'

const REALM = join(import.meta.dirname, '../../companion/deploy/identity/keycloak-realm.json')
const PASSWORD = 'a password of this test run'
/** On a busy machine a start takes minutes. Milliseconds. */
const START_LIMIT = 400_000

/** Where the realm's example addresses are in a test. */
export interface KeycloakOptions {
  readonly port: number
  readonly registry: string
  readonly servers: readonly string[]
  readonly people: readonly {
    readonly user: string
    readonly name: readonly [string, string]
    readonly groups: readonly string[]
  }[]
}

/** A real Keycloak with the realm of companion/deploy, in a folder of its own. */
export interface Keycloak {
  readonly issuer: string
  /** Names one more server, as somebody who runs the realm would. */
  addServer(url: string): Promise<void>
  stop(): Promise<void>
  /** On the port and with the data it had. */
  start(): Promise<void>
  dispose(): Promise<void>
}

export async function startKeycloak(options: KeycloakOptions): Promise<Keycloak> {
  const home = await mkdtemp(join(tmpdir(), 'gatehouse-keycloak-'))
  await cp(await installKeycloak(), home, { recursive: true })
  await mkdir(join(home, 'data', 'import'), { recursive: true })
  await writeFile(join(home, 'data', 'import', 'gatehouse-realm.json'), JSON.stringify(await realmFor(options)))
  const management = await freePort()
  const origin = `http://127.0.0.1:${options.port}`
  const issuer = `${origin}/realms/gatehouse`
  let running: ChildProcess | undefined
  const log: Buffer[] = []
  const keycloak: Keycloak = {
    issuer,
    addServer: (url) => addServer(origin, url),
    async start() {
      const flags = [
        `--hostname=${origin}`,
        // Without a cluster, which would listen beyond this machine.
        '--cache=local',
        '--http-enabled=true',
        '--http-host=127.0.0.1',
        `--http-port=${options.port}`,
        `--http-management-port=${management}`,
      ]
      const child = spawn(join(home, 'bin', 'kc.sh'), ['start', '--optimized', '--import-realm', ...flags], {
        env: {
          ...process.env,
          JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
          // It lives for minutes: starting soon counts for more than running fast.
          JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
          KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
          KC_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        // kc.sh starts Java as its child: the group ends together.
        detached: true,
      })
      running = child
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk))
      await answers(issuer, child).catch((cause: unknown) => {
        throw new Error(`Keycloak did not start:\n${Buffer.concat(log).toString().slice(-4000)}`, { cause })
      })
    },
    async stop() {
      const child = running
      running = undefined
      if (!child?.pid || child.exitCode !== null) return
      const ended = once(child, 'exit')
      process.kill(-child.pid, 'SIGTERM')
      await ended
    },
    async dispose() {
      await keycloak.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
  await keycloak.start().catch(async (error: unknown) => {
    await keycloak.dispose()
    throw error
  })
  return keycloak
}

async function answers(issuer: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_LIMIT
  for (;;) {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined)
    await response?.text()
    if (response?.ok) return
    if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error('it does not answer')
    await sleep(500)
  }
}

interface Scope {
  readonly name: string
  readonly protocolMappers?: readonly { readonly config: Readonly<Record<string, string>> }[]
}

interface Realm {
  readonly clientScopes: readonly Scope[]
  readonly clients: readonly { readonly optionalClientScopes: readonly string[] }[]
}

const EXAMPLE = {
  registry: 'https://gatehouse.example.com',
  server: 'https://mcp.example.com/presto/mcp',
  issuer: 'https://id.example.com',
}

/** The realm that companion/deploy carries, for the addresses and people of a test. */
async function realmFor({ port, registry, servers, people }: KeycloakOptions): Promise<unknown> {
  const text = await readFile(REALM, 'utf8')
  const placed = text.replaceAll(EXAMPLE.registry, registry).replaceAll(EXAMPLE.issuer, `http://127.0.0.1:${port}`)
  const realm = JSON.parse(placed) as Realm
  const [example] = realm.clientScopes.filter(({ name }) => name === EXAMPLE.server)
  const scopes = servers.map((url) => JSON.parse(JSON.stringify(example).replaceAll(EXAMPLE.server, url)) as Scope)
  return {
    ...realm,
    clientScopes: [...realm.clientScopes.filter((scope) => scope !== example), ...scopes],
    clients: realm.clients.map((client) => ({
      ...client,
      optionalClientScopes: [...client.optionalClientScopes.filter((name) => name !== EXAMPLE.server), ...servers],
    })),
    users: people.map(({ user, name: [firstName, lastName], groups }) => ({
      username: user,
      enabled: true,
      firstName,
      lastName,
      email: `${user}@example.com`,
      emailVerified: true,
      credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
      groups,
      realmRoles: ['default-roles-gatehouse'],
    })),
  }
}

async function addServer(origin: string, url: string): Promise<void> {
  const login = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'admin-cli',
      username: 'admin',
      password: PASSWORD,
    }),
  })
  const { access_token } = (await login.json()) as { access_token: string }
  const ask = async (path: string, method: string, body?: unknown): Promise<Response> => {
    const response = await fetch(`${origin}/admin/realms/gatehouse${path}`, {
      method,
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`Keycloak answered ${path} with ${response.status}: ${await response.text()}`)
    return response
  }
  const mapper = {
    name: 'audience',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': url, 'access.token.claim': 'true' },
  }
  const made = await ask('/client-scopes', 'POST', {
    name: url,
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
    protocolMappers: [mapper],
  })
  const scope = made.headers.get('location')?.split('/').at(-1)
  const clients = (await (await ask('/clients?clientId=gatehouse-vscode', 'GET')).json()) as { id: string }[]
  await ask(`/clients/${clients[0]?.id}/optional-client-scopes/${scope}`, 'PUT')
}

/** A person with a browser on Keycloak's own login page. @returns the address it then sends them to, unvisited */
export async function signInAtKeycloak(authorizationUrl: string, user: string, password = PASSWORD): Promise<string> {
  const page = await fetch(authorizationUrl, { redirect: 'manual' })
  const cookie = page.headers
    .getSetCookie()
    .map((text) => text.split(';')[0])
    .join('; ')
  const html = await page.text()
  const action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
  const refused = page.headers.get('location')
  if (refused !== null) return refused
  if (action === undefined) throw new Error(`no login form, but status ${page.status}: ${html.slice(0, 2000)}`)
  const body = new URLSearchParams({ username: user, password })
  const posted = await fetch(action, { method: 'POST', redirect: 'manual', headers: { cookie }, body })
  const location = posted.headers.get('location')
  if (location === null) throw new Error(`Keycloak did not let ${user} through: status ${posted.status}`)
  return location
}
