import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.ts'

/** A server of somebody else, in a process of its own. */
export interface TheirProcess {
  /** Its MCP endpoint. */
  readonly url: string
  /** What it has printed on both streams. */
  printed(): string
  stop(): Promise<void>
}

const MODULES = new URL('../../node_modules/', import.meta.url)
const MCP_PROXY = 'mcp-proxy/dist/bin/mcp-proxy.mjs'

/** A server that speaks Streamable HTTP by itself, on the port that it is told by `PORT`. @param script path below node_modules */
export async function serveHttp(script: string, args: readonly string[]): Promise<TheirProcess> {
  const port = await freePort()
  return started(port, [moduleFile(script), ...args], { PORT: String(port) })
}

/**
 * A stdio server behind mcp-proxy, which serves both protocol eras on one endpoint and has one connection to the server for all of its
 * clients. @param era `legacy` leaves the 2026-07-28 era out
 */
export async function serveStdio(
  script: string,
  args: readonly string[],
  { env = {}, era = 'both' }: { readonly env?: Record<string, string>; readonly era?: 'both' | 'legacy' } = {},
): Promise<TheirProcess> {
  const port = await freePort()
  const proxy = [moduleFile(MCP_PROXY), '--host', '127.0.0.1', '--port', String(port), '--server', 'stream']
  const eras = era === 'legacy' ? ['--no-modern'] : []
  return started(port, [...proxy, ...eras, '--', process.execPath, moduleFile(script), ...args], env)
}

async function started(port: number, args: readonly string[], env: Record<string, string>): Promise<TheirProcess> {
  const url = `http://127.0.0.1:${port}/mcp`
  // A group of its own, so that what a proxy has started ends with it.
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
  const endWithUs = () => killGroup(child)
  process.once('exit', endWithUs)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)))
  const stop = async () => {
    process.off('exit', endWithUs)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    killGroup(child)
    await ended
  }
  const end = Date.now() + 30_000
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`the server did not start: ${printed.slice(0, 2000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { url, printed: () => printed, stop }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself in between.
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2000) })
    return true
  } catch {
    return false
  }
}

function moduleFile(path: string): string {
  return fileURLToPath(new URL(path, MODULES))
}
