import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import {
  Digest,
  parseStrictJson,
  RecordedPrompt,
  RecordedResource,
  RecordedTool,
  reviewedRecord,
  ServerGovernance,
  ServerPolicy,
  type ServerRecord,
  ServerSurface,
  surfaceDigest,
} from '@gatehouse/contracts'
import { z } from 'zod'
import { bundleOf, governanceFileOf } from './bundles.ts'
import { CliError } from './cli-error.ts'
import type { ServerName } from './services.ts'

const run = promisify(execFile)

/** What a server prints for `--describe`. */
const Description = z.object({
  kind: z.literal('surface'),
  surface: ServerSurface,
  tools: z.array(RecordedTool),
  prompts: z.array(RecordedPrompt),
  resources: z.array(RecordedResource),
  surfaceDigest: Digest,
  policy: ServerPolicy.optional(),
})

/**
 * The record under which the local stack lists a server: reviewed, with the digest of what is really there.
 * @param url its MCP endpoint @throws CliError `record_invalid`
 */
export async function serverRecord(server: ServerName, url: string): Promise<ServerRecord> {
  const [description, governance] = await Promise.all([describe(server), readGovernance(server)])
  return reviewedRecord(governance, description, url)
}

async function describe(server: ServerName): Promise<z.infer<typeof Description>> {
  try {
    const { stdout } = await run(process.execPath, [bundleOf(server), '--describe'], { maxBuffer: 16 * 1024 * 1024 })
    const description = Description.parse(parseStrictJson(stdout))
    if (surfaceDigest(description.surface) !== description.surfaceDigest)
      throw new Error('the digest is not that of the surface')
    return description
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('record_invalid', `${server} does not describe itself in a form that can be listed`, { cause })
  }
}

async function readGovernance(server: ServerName): Promise<ServerGovernance> {
  const file = governanceFileOf(server)
  try {
    const governance = ServerGovernance.parse(parseStrictJson(await readFile(file, 'utf8')))
    if (governance.id !== server) throw new Error(`it is of ${governance.id}`)
    return governance
  } catch (cause) {
    throw new CliError('record_invalid', `${file} is not the governance record of ${server}`, { cause })
  }
}
