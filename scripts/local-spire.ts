import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import { installSpire, type Spire } from './install/spire.ts'
import { root } from './process.ts'

const CONFIGS = join(root, 'companion', 'deploy', 'spire')
/** How long a server or an agent may take to be healthy, milliseconds. */
const PATIENCE = 30_000
const TRUST_DOMAIN = 'gatehouse.local'
const AGENT = `spiffe://${TRUST_DOMAIN}/agent`

/** A workload's entry: who it is, and by what it is known. */
export interface SpireEntry {
  readonly path: string
  /** Such as `unix:path:/usr/bin/node`. */
  readonly selectors: readonly string[]
  /** Seconds that an X.509-SVID of it lives. */
  readonly life: number
}

/** A real SPIRE server with one agent, from the configuration of companion/deploy/spire, in a folder of its own. */
export class LocalSpire {
  readonly trustDomain = TRUST_DOMAIN
  readonly #spire: Spire
  readonly #folder: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #log: string[] = []
  #server: ChildProcess | undefined
  #agent: ChildProcess | undefined

  private constructor(spire: Spire, folder: string, port: number) {
    this.#spire = spire
    this.#folder = folder
    this.#environment = {
      ...process.env,
      SPIRE_TRUST_DOMAIN: TRUST_DOMAIN,
      SPIRE_ADDRESS: '127.0.0.1',
      SPIRE_PORT: String(port),
      SPIRE_DATA: join(folder, 'server'),
      SPIRE_SVID_TTL: '1h',
      SPIRE_AGENT_DATA: join(folder, 'agent'),
      SPIRE_AGENT_SOCKET: join(folder, 'agent.sock'),
      SPIRE_BUNDLE: join(folder, 'bundle.pem'),
    }
  }

  static async start(): Promise<LocalSpire> {
    const spire = new LocalSpire(
      await installSpire(),
      await mkdtemp(join(tmpdir(), 'gatehouse-spire-')),
      await freePort(),
    )
    try {
      await mkdir(join(spire.#folder, 'server'), { recursive: true })
      await mkdir(join(spire.#folder, 'agent'), { recursive: true })
      await spire.#startServer()
      await writeFile(join(spire.#folder, 'bundle.pem'), await spire.#ask('bundle', 'show'))
      const printed = await spire.#ask('token', 'generate', '-spiffeID', AGENT)
      const token = /Token: (\S+)/.exec(printed)?.[1]
      if (!token) throw new Error(`SPIRE gave no join token: ${printed}`)
      await spire.startAgent(token)
      return spire
    } catch (error) {
      await spire.remove()
      throw error
    }
  }

  /** `unix://…` of the Workload API. */
  get socket(): string {
    return `unix://${join(this.#folder, 'agent.sock')}`
  }

  id(path: string): string {
    return `spiffe://${TRUST_DOMAIN}/${path}`
  }

  async register({ path, selectors, life }: SpireEntry): Promise<void> {
    const chosen = selectors.flatMap((selector) => ['-selector', selector])
    const lives = ['-x509SVIDTTL', String(life), '-jwtSVIDTTL', '60']
    await this.#ask('entry', 'create', '-parentID', AGENT, '-spiffeID', this.id(path), ...chosen, ...lives)
  }

  /** The agent keeps its key and its attestation: a token is for the first start alone. */
  async startAgent(token?: string): Promise<void> {
    const join = token ? ['-joinToken', token] : []
    this.#agent = this.#run(this.#spire.agent, ['run', '-expandEnv', '-config', `${CONFIGS}/agent.conf`, ...join])
    await this.#untilHealthy(this.#agent, this.#spire.agent, this.#environment['SPIRE_AGENT_SOCKET'])
  }

  async stopAgent(): Promise<void> {
    await stop(this.#agent)
    this.#agent = undefined
  }

  async remove(): Promise<void> {
    await this.stopAgent()
    await stop(this.#server)
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #startServer(): Promise<void> {
    this.#server = this.#run(this.#spire.server, ['run', '-expandEnv', '-config', `${CONFIGS}/server.conf`])
    await this.#untilHealthy(this.#server, this.#spire.server, this.#serverSocket)
  }

  get #serverSocket(): string {
    return join(this.#folder, 'server', 'server.sock')
  }

  async #ask(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.#spire.server, [...args, '-socketPath', this.#serverSocket])
    return stdout
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const output of [child.stdout, child.stderr]) output.on('data', (text: Buffer) => this.#log.push(String(text)))
    return child
  }

  async #untilHealthy(child: ChildProcess, program: string, socket: string | undefined): Promise<void> {
    const deadline = Date.now() + PATIENCE
    for (;;) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${program} does not get going:\n${this.#log.join('')}`)
      const healthy = await promisify(execFile)(program, ['healthcheck', '-socketPath', socket ?? '']).then(
        () => true,
        () => false,
      )
      if (healthy) return
      await sleep(100)
    }
  }
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
