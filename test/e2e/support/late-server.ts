import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerRecord } from '@gatehouse/contracts'
import { authorizeTool, describeServer, type ServerDefinition, startServer, tool } from '@gatehouse/kit'
import { z } from 'zod'
import governance from '../../../companion/servers/presto/server.json' with { type: 'json' }
import { freePort } from '../../../scripts/free-port.ts'
import type { Stack } from '../../support/stack.ts'

/** All that a server's author writes. */
class LateTools {
  @tool({
    name: 'echo',
    title: 'Echo',
    description: 'Says again what it was told',
    input: z.strictObject({ text: z.string().max(200) }),
    output: z.strictObject({ echoed: z.string() }),
    effect: 'read',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    minutesSaved: 1,
  })
  @authorizeTool({})
  async echo({ text }: { text: string }) {
    return { structured: { echoed: text }, text }
  }
}

const definition: ServerDefinition = {
  id: 'late',
  title: 'Late',
  version: '0.1.0',
  toolsClass: LateTools,
  start: async () => ({ tools: new LateTools(), dispose: async () => undefined }),
}

/** A second server, listed in the registry of a running stack long after anybody has signed in. */
export async function startLateServer(stack: Stack): Promise<{ stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-late-'))
  const port = await freePort()
  const { tools, surfaceDigest } = describeServer(definition)
  const record = ServerRecord.parse({
    ...governance,
    id: 'late',
    name: 'dev.gatehouse/late',
    title: 'Late',
    description: 'Listed after the sign-in',
    url: `http://127.0.0.1:${port}/mcp`,
    status: 'listed',
    tools,
    surfaceDigest,
  })
  const file = join(folder, 'record.json')
  await writeFile(file, JSON.stringify(record))
  const registered = await stack.gatehouse('register', '--file', file)
  if (registered.status !== 0) throw new Error(registered.stderr)
  const server = await startServer(definition, {
    host: '127.0.0.1',
    port,
    publicUrl: `http://127.0.0.1:${port}`,
    data: folder,
    issuer: stack.ready.issuer,
    registry: stack.ready.registry,
    intakeToken: (await readFile(join(stack.data, 'intake-token'), 'utf8')).trim(),
  })
  return {
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
