import { readFile } from 'node:fs/promises'
import { parseStrictJson, JsonError } from '@gatehouse/contracts'
import { callTool } from './call-tool.ts'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { dataFolder, parseOptions, required } from './options.ts'
import { findRunningStack, requireLocalRegistry } from './running-stack.ts'

const USAGE = `gatehouse call --server S --tool T --args JSON [--user NAME] [--approve] [--data DIR]

Calls one tool the way the extension would, and prints the result as JSON. Status 1 when the result is an error.

  --server S    id of a listed server, for example presto
  --args JSON   the tool's arguments, an object; @FILE reads them from a file (@/dev/stdin from standard input)
  --user NAME   who calls (default ada)
  --approve     approve exactly this call with a device key made for it, as a person would in the panel`

export const callCommand: Command = {
  name: 'call',
  summary: 'call one tool',
  usage: USAGE,
  async run(args) {
    const options = parseOptions(args, {
      server: { type: 'string' },
      tool: { type: 'string' },
      args: { type: 'string' },
      user: { type: 'string', default: 'ada' },
      approve: { type: 'boolean', default: false },
      data: { type: 'string' },
    })
    const call = {
      server: required('server', options.server),
      tool: required('tool', options.tool),
      arguments: parseArguments(await argumentsText(required('args', options.args))),
      user: options.user,
      approve: options.approve,
    }
    const stack = await findRunningStack(dataFolder(options.data))
    await requireLocalRegistry(stack)
    const result = await callTool(stack, call)
    console.log(JSON.stringify(result, null, 2))
    return result.isError === true ? 1 : 0
  },
}

/** A system may refuse an argument of more than 128 kB (Linux, `MAX_ARG_STRLEN`), hence files. @throws CliError `arguments_invalid` */
async function argumentsText(option: string): Promise<string> {
  if (!option.startsWith('@')) return option
  try {
    return await readFile(option.slice(1), 'utf8')
  } catch (cause) {
    throw new CliError('arguments_invalid', `--args: ${option.slice(1)} cannot be read`, { cause })
  }
}

/** @throws CliError `arguments_invalid` */
function parseArguments(text: string): Record<string, unknown> {
  try {
    const value = parseStrictJson(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw new CliError('arguments_invalid', `--args: ${cause.message}`, { cause })
  }
  throw new CliError('arguments_invalid', '--args must be a JSON object')
}
