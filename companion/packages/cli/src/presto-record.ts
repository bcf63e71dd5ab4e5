import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import {
  Digest,
  digestOf,
  parseStrictJson,
  RecordedPrompt,
  RecordedResource,
  RecordedTool,
  ServerRecord,
  ServerRecordFields,
  ServerSurface,
  surfaceDigest,
} from '@gatehouse/contracts'
import { z } from 'zod'
import { bundleOf, governanceFileOf } from './bundles.ts'
import { CliError } from './cli-error.ts'

const run = promisify(execFile)

/** What a server prints for `--describe`. */
const Description = z.object({
  kind: z.literal('surface'),
  surface: ServerSurface,
  tools: z.array(RecordedTool),
  prompts: z.array(RecordedPrompt),
  resources: z.array(RecordedResource),
  surfaceDigest: Digest,
})

/** What people say of a server; its surface and where it runs are found out. */
const Governance = ServerRecordFields.omit({
  url: true,
  status: true,
  tools: true,
  prompts: true,
  resources: true,
  surfaceDigest: true,
  instructionsDigest: true,
})

/** The record under which the local stack lists its Presto server: reviewed, with the digest of what is really there. @throws CliError `record_invalid` */
export async function prestoRecord(url: string): Promise<ServerRecord> {
  const description = await describe()
  const governance = await readGovernance()
  const { instructions } = description.surface
  return ServerRecord.parse({
    ...governance,
    url,
    status: 'listed',
    tools: description.tools,
    prompts: description.prompts,
    resources: description.resources,
    surfaceDigest: description.surfaceDigest,
    ...(instructions !== undefined && { instructionsDigest: digestOf(instructions) }),
  })
}

async function describe(): Promise<z.infer<typeof Description>> {
  try {
    const { stdout } = await run(process.execPath, [bundleOf('presto'), '--describe'], { maxBuffer: 16 * 1024 * 1024 })
    const description = Description.parse(parseStrictJson(stdout))
    if (surfaceDigest(description.surface) !== description.surfaceDigest)
      throw new Error('the digest is not that of the surface')
    return description
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('record_invalid', 'presto does not describe itself in a form that can be listed', { cause })
  }
}

async function readGovernance(): Promise<z.infer<typeof Governance>> {
  const file = governanceFileOf('presto')
  try {
    return Governance.parse(parseStrictJson(await readFile(file, 'utf8')))
  } catch (cause) {
    throw new CliError('record_invalid', `${file} is not a governance record`, { cause })
  }
}
