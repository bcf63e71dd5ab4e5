import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import type { Command } from '../command.ts'
import { dataFolder, parseOptions } from '../options.ts'
import { findRunningStack, requireLocalRegistry } from '../running-stack.ts'
import { loadBotKey } from './bot-key.ts'
import { converse } from './conversation.ts'
import { HELP, parseMessage } from './message.ts'
import { sayAnswer } from './say-answer.ts'
import { TeamChat } from './team-chat.ts'

const USAGE = `gatehouse chat [--channel NAME] [--user NAME] [--say MESSAGE [--json]] [--data DIR]

A small team chat with a bot in it that calls approved servers for whoever writes: what may be used depends on the person and on the channel.

  --channel NAME  where the person writes, for example '#pipeline-support'; without it, a direct message to the bot
  --user NAME     who writes (default ada)
  --say MESSAGE   one message, its answer, and the end; status 1 when it was denied or failed
  --json          the answer as JSON

What one can say:

${HELP}`

const Channel = z.string().min(1).max(128)

export const chatCommand: Command = {
  name: 'chat',
  summary: 'talk to the bot of a team chat',
  usage: USAGE,
  async run(args) {
    const options = parseOptions(args, {
      channel: { type: 'string' },
      user: { type: 'string', default: 'ada' },
      say: { type: 'string' },
      json: { type: 'boolean', default: false },
      data: { type: 'string' },
    })
    if (options.json && options.say === undefined) throw new CliError('usage', '--json goes with --say')
    const channel = channelOf(options.channel)
    const data = dataFolder(options.data)
    const stack = await findRunningStack(data)
    await requireLocalRegistry(stack)
    const chat = new TeamChat({ stack, key: await loadBotKey(data), user: options.user, channel })
    if (options.say !== undefined) return sayOnce(chat, options.say, options.json)
    const { stdin, stdout } = process
    const where = channel ?? 'the bot, directly'
    if (stdout.isTTY) stdout.write(`You are ${options.user}, writing to ${where}. Say "help" for what there is.\n`)
    await converse({ chat, prompt: `${options.user} in ${where}> `, input: stdin, output: stdout })
    return 0
  },
}

async function sayOnce(chat: TeamChat, said: string, json: boolean): Promise<number> {
  const message = parseMessage(said)
  if (message.kind === 'quit' || message.kind === 'nothing') return 0
  const answer = await chat.answer(message, AbortSignal.timeout(300_000))
  console.log(json ? JSON.stringify(answer, null, 2) : sayAnswer(answer))
  return answer.kind === 'denied' || answer.kind === 'failed' || answer.kind === 'approval_required' ? 1 : 0
}

/** @throws CliError `usage` */
function channelOf(option: string | undefined): string | undefined {
  if (option === undefined) return undefined
  const parsed = Channel.safeParse(option)
  if (!parsed.success) throw new CliError('usage', '--channel must have 1 to 128 characters')
  return parsed.data
}
