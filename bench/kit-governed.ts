// The same tool on our kit with everything on. Issuer and registry are the parent's; argv: tools, issuer, registry, intake token, data folder, and
// where it is behind an edge, its public URL and the folder with its SVID.
import { createLogger, defineTool, describeServer, type ServerDefinition, startServer } from '@gatehouse/kit'
import { behindEdge } from './edge-svids.ts'
import { serveParent, toolCount } from './kit-child.ts'
import { description, lookup, schemas, toolNames } from './kit-tools.ts'

const [issuer = '', registry = '', intakeToken = '', data = '', publicUrl, svidFolder] = process.argv.slice(3)
const tools = toolNames(toolCount()).map((name) =>
  defineTool({
    name,
    title: 'Look up',
    description,
    ...schemas(),
    effect: 'read',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    minutesSaved: 1,
    policy: { groups: ['ads'] },
    async run(args) {
      const structured = lookup(args)
      return { structured, text: structured.value }
    },
  }),
)
const definition: ServerDefinition = {
  id: 'bench',
  title: 'Bench',
  version: '1.0.0',
  toolsClass: tools,
  start: async () => ({ tools, dispose: async () => undefined }),
}
const server = await startServer(definition, {
  host: '127.0.0.1',
  port: 0,
  data,
  issuer,
  registry,
  intakeToken,
  log: createLogger('bench', () => undefined),
  ...(publicUrl !== undefined && svidFolder !== undefined && behindEdge(publicUrl, svidFolder)),
})
const described = describeServer(definition)
serveParent({
  url: `${server.url}/mcp`,
  mtlsUrl: server.mtlsUrl,
  tools: described.tools,
  surfaceDigest: described.surfaceDigest,
})
