import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { temporaryDataFolder } from './data-folder.ts'

const cli = join(import.meta.dirname, '../../dist/companion/packages/cli/main.js')

const Ready = z.object({
  kind: z.literal('ready'),
  registry: z.url(),
  issuer: z.url(),
  servers: z.record(z.string(), z.object({ url: z.url() })),
  people: z.array(z.object({ user: z.string(), groups: z.array(z.string()) })),
})
type Ready = z.infer<typeof Ready>

interface TokenRequest {
  readonly user: string
  readonly resource: string
  readonly client?: string
  readonly jkt?: string
}

export interface Stack {
  readonly ready: Ready
  readonly data: string
  readonly process: ChildProcess
  /** An access token of the local identity provider, bound to `jkt` where it is given. */
  token(request: TokenRequest): Promise<string>
  /** The process of one service now; another once it has been started again. */
  pid(service: 'identity' | 'registry' | 'presto' | 'runbooks'): Promise<number>
  /** Runs a `gatehouse` command against this stack. */
  gatehouse(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }>
  stop(): Promise<void>
}

/** The whole local stack as `gatehouse up` starts it, on free ports and a data folder of its own. */
export async function startStack(env: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const folder = await temporaryDataFolder()
  const data = folder.path
  const child = spawn(process.execPath, [cli, 'up', '--json', '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const errors: string[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const ready = await untilReady(child, errors)
  return {
    ready,
    data,
    process: child,
    token: (request) => devToken(ready.issuer, data, request),
    pid: (service) => servicePid(data, service),
    gatehouse: (...args) => runGatehouse([...args, '--data', data]),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await ended
      }
      await folder.remove()
    },
  }
}

async function untilReady(child: ChildProcess, errors: readonly string[]): Promise<Ready> {
  if (!child.stdout) throw new Error('no standard output')
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { kind: string }
    if (event.kind === 'ready') return Ready.parse(event)
  }
  throw new Error(`gatehouse up ended before it was ready:\n${errors.join('')}`)
}

/** Linux alone: the stack file says which processes are there, and `/proc` which is which. */
async function servicePid(data: string, service: string): Promise<number> {
  const { pids } = z
    .object({ pids: z.array(z.number()) })
    .parse(JSON.parse(await readFile(join(data, 'stack.json'), 'utf8')))
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(`/${service}/main.js`)) return pid
  }
  throw new Error(`no process of ${service} is running`)
}

async function devToken(issuer: string, data: string, request: TokenRequest): Promise<string> {
  const secret = (await readFile(join(data, 'dev-secret'), 'utf8')).trim()
  const response = await fetch(`${issuer}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify(request),
  })
  const body = (await response.json()) as { access_token?: string }
  if (!body.access_token) throw new Error(`no token: ${JSON.stringify(body)}`)
  return body.access_token
}

function runGatehouse(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('exit', (code) => resolve({ status: code ?? 1, stdout, stderr }))
  })
}
