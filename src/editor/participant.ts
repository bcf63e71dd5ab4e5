import { randomUUID } from 'node:crypto'
import * as vscode from 'vscode'
import type { Catalog } from '../catalog/types.ts'
import type { Connections, OfferedTool } from '../connections/types.ts'
import type { Plans } from '../plans/types.ts'
import type { Session } from '../session/types.ts'
import { codeOf, explain } from './errors.ts'
import { fenced } from './fence.ts'
import type { Lazy } from './lazy.ts'
import type { Log } from './log.ts'
import { namedTools, type NamedTool, systemPrompt } from './participant-tools.ts'
import { plainMarkdown } from './plain-markdown.ts'
import { describePlans, describeServers } from './participant-words.ts'

/** Turns of model and tools in one request; a model that needs more is going round in circles. */
const MAX_ROUNDS = 25

export interface ParticipantOptions {
  readonly extensionUri: vscode.Uri
  readonly session: Lazy<Session>
  readonly catalog: Lazy<Catalog>
  readonly connections: Lazy<Connections>
  readonly plans: Lazy<Plans>
  readonly log: Log
}

/** `@gatehouse`: the person's chosen model with the approved tools, through the same one way as everything else (EDIT-2). */
export function registerParticipant(options: ParticipantOptions): vscode.Disposable {
  const participant = vscode.chat.createChatParticipant('gatehouse.chat', async (request, context, response, token) => {
    const ending = new AbortController()
    const stop = token.onCancellationRequested(() => ending.abort())
    try {
      await answer(options, request, context, response, ending.signal)
    } catch (error) {
      if (ending.signal.aborted) return
      fail(response, error, options.log)
    } finally {
      stop.dispose()
    }
  })
  participant.iconPath = vscode.Uri.joinPath(options.extensionUri, 'media', 'gatehouse.svg')
  return participant
}

async function answer(
  options: ParticipantOptions,
  request: vscode.ChatRequest,
  context: vscode.ChatContext,
  response: vscode.ChatResponseStream,
  signal: AbortSignal,
): Promise<void> {
  const session = await options.session.get()
  await session.restored
  const state = session.state()
  if (state.kind !== 'signed-in') {
    response.markdown('You are signed out. Sign in once, and I can use every server that is approved for you.')
    return response.button({ command: 'gatehouse.signIn', title: 'Sign In' })
  }
  if (request.command === 'servers') {
    response.markdown(plainMarkdown(describeServers((await options.catalog.get()).state())))
    return response.button({ command: 'gatehouse.servers.focus', title: 'Show Servers' })
  }
  if (request.command === 'plan') {
    const entries = (await options.plans.get()).entries()
    response.markdown(plainMarkdown(describePlans(entries, state.account.subject)))
    return response.button({ command: 'gatehouse.showPlans', title: 'Show Plans' })
  }
  const connections = await options.connections.get()
  const offered = await offeredTools(await options.catalog.get(), connections, response, signal)
  const tools = namedTools(offered)
  const servers = [...new Set(offered.map((item) => item.server.id))]
  const instructions = servers.flatMap((server) => {
    const text = connections.instructions(server)
    return text === undefined ? [] : [{ server, text }]
  })
  const messages = [
    vscode.LanguageModelChatMessage.User(systemPrompt(instructions)),
    ...history(context),
    asked(request),
  ]
  await converse({ request, response, messages, tools, connections, signal })
}

/** A server that cannot be reached is named, and the others are used. */
async function offeredTools(
  catalog: Catalog,
  connections: Connections,
  response: vscode.ChatResponseStream,
  signal: AbortSignal,
): Promise<readonly OfferedTool[]> {
  const state = catalog.state().kind === 'loading' ? await catalog.refresh(signal) : catalog.state()
  if (state.kind !== 'ready') {
    response.progress('No approved list can be used, so no tools are offered')
    return []
  }
  const allowed = state.servers.flatMap((listed) => (listed.access === 'allowed' ? [listed.record] : []))
  const lists = await Promise.all(
    allowed.map(async (record) => {
      try {
        return await connections.tools(record.id, signal)
      } catch (error) {
        signal.throwIfAborted()
        response.progress(`${record.title} is left out: ${explain(codeOf(error)).title}`)
        return []
      }
    }),
  )
  return lists.flat()
}

interface Conversation {
  readonly request: vscode.ChatRequest
  readonly response: vscode.ChatResponseStream
  readonly messages: vscode.LanguageModelChatMessage[]
  readonly tools: readonly NamedTool[]
  readonly connections: Connections
  readonly signal: AbortSignal
}

async function converse(conversation: Conversation): Promise<void> {
  const { request, response, messages, tools, signal } = conversation
  const origin = { door: 'participant', conversation: randomUUID(), request: randomUUID() } as const
  const cancellation = new vscode.CancellationTokenSource()
  signal.addEventListener('abort', () => cancellation.cancel(), { once: true })
  const offer = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
  for (let round = 0; round < MAX_ROUNDS; round++) {
    signal.throwIfAborted()
    const reply = await request.model.sendRequest(messages, { tools: offer }, cancellation.token)
    const said: (vscode.LanguageModelTextPart | vscode.LanguageModelToolCallPart)[] = []
    const calls: vscode.LanguageModelToolCallPart[] = []
    for await (const part of reply.stream) {
      if (part instanceof vscode.LanguageModelTextPart) {
        response.markdown(part.value)
        said.push(part)
      } else if (part instanceof vscode.LanguageModelToolCallPart) {
        calls.push(part)
        said.push(part)
      }
    }
    if (calls.length === 0) return
    messages.push(vscode.LanguageModelChatMessage.Assistant(said))
    const results = await Promise.all(calls.map((call) => callTool(call, origin, conversation)))
    messages.push(vscode.LanguageModelChatMessage.User(results))
  }
  response.markdown(`\n\nI stopped after ${MAX_ROUNDS} rounds of tool calls. Ask again with a narrower question.`)
}

async function callTool(
  call: vscode.LanguageModelToolCallPart,
  origin: { door: 'participant'; conversation: string; request: string },
  { tools, connections, response, signal }: Conversation,
): Promise<vscode.LanguageModelToolResultPart> {
  const result = (text: string) =>
    new vscode.LanguageModelToolResultPart(call.callId, [new vscode.LanguageModelTextPart(text)])
  const named = tools.find((tool) => tool.name === call.name)
  if (!named) return result(`There is no tool ${call.name}. Use one of those that are offered.`)
  const { server, tool } = named.offered
  response.progress(`${tool.title ?? tool.name} on ${server.title}`)
  const outcome = await connections.call({
    server: server.id,
    tool: tool.name,
    arguments: { ...call.input },
    origin,
    signal,
    onProgress: ({ message }) => {
      if (message !== undefined) response.progress(message)
    },
  })
  const text =
    outcome.structured === undefined ? outcome.text : `${outcome.text}\n${JSON.stringify(outcome.structured)}`
  return result(fenced(tool.name, server.title, outcome.isError ? `The call failed. ${outcome.text}` : text))
}

function asked(request: vscode.ChatRequest): vscode.LanguageModelChatMessage {
  return vscode.LanguageModelChatMessage.User(request.prompt)
}

/** What was said before, in words alone: earlier tool results are asked for anew, since access may have changed. */
function history(context: vscode.ChatContext): vscode.LanguageModelChatMessage[] {
  return context.history.flatMap((turn) => {
    if (turn instanceof vscode.ChatRequestTurn) return [vscode.LanguageModelChatMessage.User(turn.prompt)]
    const text = turn.response
      .map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ''))
      .join('')
    return text === '' ? [] : [vscode.LanguageModelChatMessage.Assistant(text)]
  })
}

function fail(response: vscode.ChatResponseStream, error: unknown, log: Log): void {
  // The model's own refusals (no permission, quota, blocked) come in words made for the person.
  if (error instanceof vscode.LanguageModelError) {
    log.warn(`model_failed: ${error.code}`)
    response.markdown(plainMarkdown(`The language model did not answer: ${error.message}`))
    return
  }
  const { code, title, explanation, action } = explain(codeOf(error))
  log.error(`${code}: ${error instanceof Error ? error.message : String(error)}`)
  response.markdown(plainMarkdown(`${title}. ${explanation}`))
  if (action) response.button({ command: action.command, title: action.label })
}
