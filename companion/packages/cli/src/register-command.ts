import { readFile } from 'node:fs/promises'
import { parseStrictJson, ServerRecord } from '@gatehouse/contracts'
import { z } from 'zod'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { jsonRequest, requestJson } from './http.ts'
import { dataFolder, parseOptions, required } from './options.ts'
import { findRunningStack, requireLocalRegistry } from './running-stack.ts'

const Status = z.object({ id: z.string(), status: z.string() })

export const registerCommand: Command = {
  name: 'register',
  summary: 'list a server record in the local registry, without a review',
  usage: `gatehouse register --file record.json [--data DIR]

Puts a whole server record into the registry of the local stack, as reviewed as it says it is. For development alone.`,
  async run(args) {
    const options = parseOptions(args, { file: { type: 'string' }, data: { type: 'string' } })
    const record = await readRecord(required('file', options.file))
    const stack = await findRunningStack(dataFolder(options.data))
    await requireLocalRegistry(stack)
    const address = `${stack.registry}/gatehouse/v1/dev/servers/${record.id}`
    const { id, status } = await requestJson(Status, address, jsonRequest('PUT', stack.devSecret, record))
    console.log(`${id} is ${status}`)
    return 0
  },
}

/** @throws CliError `record_invalid` */
async function readRecord(file: string): Promise<ServerRecord> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError('record_invalid', `cannot read ${file}`, { cause })
  })
  try {
    return ServerRecord.parse(parseStrictJson(text))
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : cause instanceof Error ? cause.message : ''
    throw new CliError('record_invalid', `${file} is no server record: ${why}`, { cause })
  }
}
