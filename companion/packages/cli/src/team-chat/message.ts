import { JsonError, parseStrictJson } from '@gatehouse/contracts'
import { CliError } from '../cli-error.ts'

/** What somebody says to the bot, that it answers. */
export type Asked =
  | { readonly kind: 'servers' | 'help' }
  | { readonly kind: 'tools'; readonly server: string | undefined }
  | {
      readonly kind: 'call'
      readonly server: string
      readonly tool: string
      readonly arguments: Record<string, unknown>
    }
export type Message = Asked | { readonly kind: 'quit' } | { readonly kind: 'nothing' }

export const WORDS = ['servers', 'tools', 'call', 'help', 'quit'] as const

export const HELP = `servers                     what you may use in this channel, and of the rest why not
tools [SERVER]              the tools that you may call here
call SERVER TOOL {JSON}     calls a tool, for example: call runbooks search_runbooks {"query":"stuck"}
help                        this
quit                        ends the chat`

const CALL = /^call\s+(\S+)\s+(\S+)\s*(.*)$/s

/** @throws CliError `message_not_understood`, `arguments_invalid`, which say what would be */
export function parseMessage(text: string): Message {
  const said = text.trim()
  const [word, argument, ...rest] = said.split(/\s+/)
  switch (word) {
    case '':
    case undefined:
      return { kind: 'nothing' }
    case 'servers':
    case 'help':
    case 'quit':
      return { kind: word }
    case 'tools':
      if (rest.length > 0) throw new CliError('message_not_understood', 'say: tools, or: tools SERVER')
      return { kind: 'tools', server: argument }
    case 'call':
      return parseCall(said)
    default:
      throw new CliError('message_not_understood', `${JSON.stringify(word)} is nothing that I know; say: help`)
  }
}

function parseCall(said: string): Message {
  const [, server, tool, json] = CALL.exec(said) ?? []
  if (server === undefined || tool === undefined)
    throw new CliError('message_not_understood', 'say: call SERVER TOOL {JSON}')
  return { kind: 'call', server, tool, arguments: parseArguments(json ?? '') }
}

function parseArguments(text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  const example = 'such as {"query":"stuck"}'
  try {
    const value = parseStrictJson(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw new CliError('arguments_invalid', `what follows the tool is no JSON (${cause.message}); say it ${example}`, {
      cause,
    })
  }
  throw new CliError('arguments_invalid', `what follows the tool must be a JSON object, ${example}`)
}
