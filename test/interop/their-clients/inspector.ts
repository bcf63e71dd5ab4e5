import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Browser } from '../../support/browser.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { readResult, readTools, type TheirClient } from './their-client.ts'

const PACKAGE = new URL('../../../node_modules/@modelcontextprotocol/inspector/clients/', import.meta.url)
const INSPECTOR = fileURLToPath(new URL('launcher/build/index.js', PACKAGE))
const MCPDO = fileURLToPath(new URL('mcpdo/build/mcp-bin.js', PACKAGE))

/** What one run of a command came to. */
interface Run {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** MCP Inspector's command line, which connects anew for each command, with a token that somebody else got. */
export async function inspector(url: string, token: string, era: 'legacy' | 'modern'): Promise<TheirClient> {
  const home = await mkdtemp(join(tmpdir(), 'gatehouse-inspector-'))
  const run = async (...args: string[]): Promise<unknown> => {
    const header = ['--header', `Authorization: Bearer ${token}`]
    const all = ['--cli', url, '--transport', 'http', '--protocol-era', era, ...header, '--format', 'json', ...args]
    return jsonOf(await command(INSPECTOR, all, home))
  }
  const Answer = z.object({ result: z.unknown() })
  return {
    tools: async () => readTools(Answer.parse(await run('--method', 'tools/list')).result),
    call: async (tool, args) => {
      const json = ['--tool-args-json', JSON.stringify(args)]
      return readResult(Answer.parse(await run('--method', 'tools/call', '--tool-name', tool, ...json)).result)
    },
    close: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Inspector's other command, which keeps a connection and signs its person in by itself. */
export async function mcpdo(url: string, user: string): Promise<TheirClient> {
  const home = await mkdtemp(join(tmpdir(), 'gatehouse-mcpdo-'))
  const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`
  const run = (...args: string[]) =>
    command(MCPDO, ['--format', 'json', '--connection', 'presto', ...args], home, {
      MCP_OAUTH_CALLBACK_URL: callback,
      MCP_INSPECTOR_SECRET_STORE: 'file',
    })
  const { authUrl } = z.object({ authUrl: z.url() }).parse(jsonOf(await run('connect', url)))
  const answer = await new Browser().signIn(authUrl, user)
  await (await fetch(answer)).text()
  z.object({ auth: z.object({ authorized: z.literal(true) }) }).parse(jsonOf(await run('connections/show')))
  return {
    tools: async () => readTools(jsonOf(await run('tools/list'))),
    call: async (tool, args) => readResult(jsonOf(await run('tools/call', tool, JSON.stringify(args)))),
    close: async () => {
      await run('daemon', 'stop')
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function jsonOf({ status, stdout, stderr }: Run): unknown {
  try {
    return JSON.parse(stdout)
  } catch (cause) {
    throw new Error(`status ${status}: ${stdout} ${stderr}`.slice(0, 2000), { cause })
  }
}

function command(
  script: string,
  args: readonly string[],
  home: string,
  env: Record<string, string> = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('exit', (code) => resolve({ status: code ?? 1, stdout, stderr }))
  })
}
