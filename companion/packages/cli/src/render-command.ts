import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { writeConfig } from './edge/config-files.ts'
import { checkConfig } from './edge/envoy-process.ts'
import { discoverKeys } from './edge/issuer-keys.ts'
import { type NamedServer, parseIdentity, parseListen, parseServer } from './edge/render-options.ts'
import { type EnvoyConfig, renderEnvoy } from './edge/render-envoy.ts'
import { parseOptions, required } from './options.ts'
import { fetchRecord } from './server-record.ts'

const USAGE = `gatehouse render envoy --registry URL --issuer URL --public-url URL --server ID=UPSTREAM … [--out DIR]

Renders Envoy's configuration from the signed records of the servers, as files that Envoy watches: start it once with -c DIR/envoy.json.

  --registry URL      whose signed records are rendered; a suspended or expired one is refused, and nothing is written
  --issuer URL        identity provider; its keys are found by discovery
  --public-url URL    origin by which clients know the edge; each record's URL is below it
  --server ID=…       a server and where it is: ID=unix:/PATH, or ID=HOST:PORT,SPIFFE-ID over mutual TLS. Once for each server
  --out DIR           folder of the files (default envoy)
  --environment NAME  production (default) or dev; records of the other are refused
  --listen HOST:PORT  default 0.0.0.0:8443
  --tls-certificate FILE --tls-key FILE
                      what the edge shows to clients, PEM; without them it speaks plain HTTP
  --spire-socket PATH --spiffe-id ID
                      the edge's own identity for mutual TLS, from SPIRE's agent
  --certificate FILE --key FILE --bundle FILE
                      the same from PEM files, which are read again when they change
  --authorities FILE  authorities of the identity provider's certificate (default: those of the system)
  --check BINARY      an Envoy that looks at the result before it is written
  --every SECONDS     go on: render anew when a record has changed`

export const renderCommand: Command = {
  name: 'render',
  summary: "render the edge's configuration from signed records",
  usage: USAGE,
  async run([what, ...args]) {
    if (what !== 'envoy') throw new CliError('usage', 'render what? There is: gatehouse render envoy')
    const { every, ...job } = parse(args)
    await job.render()
    while (every !== undefined) {
      await delay(every * 1_000)
      // The files stay as they are; a server whose record has ended closes by itself.
      await job
        .render()
        .catch((error: unknown) => console.error(error instanceof Error ? error.message : String(error)))
    }
    return 0
  },
}

function parse(args: readonly string[]) {
  const options = parseOptions(args, {
    registry: { type: 'string' },
    issuer: { type: 'string' },
    'public-url': { type: 'string' },
    server: { type: 'string', multiple: true },
    out: { type: 'string', default: 'envoy' },
    environment: { type: 'string', default: 'production' },
    listen: { type: 'string', default: '0.0.0.0:8443' },
    'tls-certificate': { type: 'string' },
    'tls-key': { type: 'string' },
    'spire-socket': { type: 'string' },
    'spiffe-id': { type: 'string' },
    certificate: { type: 'string' },
    key: { type: 'string' },
    bundle: { type: 'string' },
    authorities: { type: 'string' },
    check: { type: 'string' },
    every: { type: 'string' },
  })
  const { environment, 'tls-certificate': certificate, 'tls-key': key } = options
  if (environment !== 'dev' && environment !== 'production')
    throw new CliError('usage', '--environment is dev or production')
  if ((certificate === undefined) !== (key === undefined))
    throw new CliError('usage', '--tls-certificate and --tls-key belong together')
  const servers = (options.server ?? []).map(parseServer)
  if (servers.length === 0) throw new CliError('usage', '--server is missing')
  const job = {
    registry: origin('registry', options.registry),
    issuer: required('issuer', options.issuer),
    folder: resolve(options.out),
    check: options.check,
    servers,
    edge: {
      environment,
      publicUrl: origin('public-url', options['public-url']),
      listen: parseListen(options.listen),
      tls: certificate !== undefined && key !== undefined ? { certificate, key } : undefined,
      identity: parseIdentity(options),
      authorities: options.authorities,
    },
  } as const
  return { every: seconds(options.every), render: () => render(job) }
}

interface RenderJob {
  readonly registry: string
  readonly issuer: string
  readonly folder: string
  readonly check: string | undefined
  readonly servers: readonly NamedServer[]
  readonly edge: Omit<Parameters<typeof renderEnvoy>[0], 'folder' | 'issuer' | 'servers'>
}

async function render({ registry, issuer, folder, check, servers, edge }: RenderJob): Promise<void> {
  const config: EnvoyConfig = renderEnvoy({
    ...edge,
    folder,
    issuer: await discoverKeys(issuer),
    servers: await Promise.all(
      servers.map(async ({ id, upstream }) => ({ record: await fetchRecord(registry, id), upstream })),
    ),
  })
  if (check !== undefined) await checkConfig(check, config)
  const written = await writeConfig(folder, config)
  for (const name of written) console.log(`wrote ${folder}/${name}`)
  if (written.length === 0) console.log(`${folder} is as it should be`)
}

/** @throws CliError `usage` */
function origin(name: string, value: string | undefined): string {
  const text = required(name, value).replace(/\/$/, '')
  if (!URL.canParse(text) || new URL(text).origin !== text)
    throw new CliError('usage', `--${name} must be an origin, such as https://mcp.example.com`)
  return text
}

/** @throws CliError `usage` */
function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1) throw new CliError('usage', '--every is a number of seconds')
  return Number(text)
}
