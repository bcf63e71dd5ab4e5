import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CliError } from './cli-error.ts'
import { readIfPresent, writePrivate } from './private-file.ts'

const StackFile = z.object({
  issuer: z.url(),
  registry: z.url().optional(),
  servers: z.record(z.string(), z.object({ url: z.url() })),
  /** File that holds the development secret. */
  devSecretFile: z.string(),
  /** Processes of the services, for a start after `kill -9`. */
  pids: z.array(z.int().min(2)),
})
export type StackFile = z.infer<typeof StackFile>

const NAME = 'stack.json'

/** Tells the other commands where the running stack is. */
export async function writeStackFile(folder: string, stack: StackFile): Promise<void> {
  await writePrivate(join(folder, NAME), `${JSON.stringify(stack, null, 2)}\n`)
}

export async function removeStackFile(folder: string): Promise<void> {
  await rm(join(folder, NAME), { force: true })
}

/** Undefined where no stack is running, nor was killed. @throws CliError `stack_file_broken` */
export async function readStackFile(folder: string): Promise<StackFile | undefined> {
  const text = await readIfPresent(join(folder, NAME))
  if (text === undefined) return undefined
  try {
    return StackFile.parse(JSON.parse(text))
  } catch (cause) {
    throw new CliError('stack_file_broken', `${join(folder, NAME)} cannot be read; start "gatehouse up" again`, {
      cause,
    })
  }
}
