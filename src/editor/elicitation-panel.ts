import * as vscode from 'vscode'
import type { Elicitation, ElicitationAnswer } from '../connections/types.ts'
import { ElicitationRequest, type ElicitationView } from '../messages.ts'
import { checkAnswer, formFields } from './elicitation-form.ts'
import type { Log } from './log.ts'
import { openExternal } from './open-external.ts'
import { shown, shownLine } from './shown-text.ts'
import { preparePage, receiveFrom } from './webview-page.ts'

export interface ElicitationOptions {
  readonly extensionUri: vscode.Uri
  readonly log: Log
  titleOf(server: string): string
}

/**
 * Asks the person on behalf of a server, in a page of our own. Closing the page, or the end of the call that asked, is `cancel`; a form
 * that MCP does not allow is declined without being shown.
 */
export function createElicitation(
  options: ElicitationOptions,
): (elicitation: Elicitation, signal: AbortSignal) => Promise<ElicitationAnswer> {
  return async (elicitation, signal) => {
    const view = viewOf(elicitation, shownLine(options.titleOf(elicitation.server), 60))
    if (view === undefined) {
      options.log.warn(
        `elicitation_schema: ${elicitation.server} asked with a form or an address that is not allowed; declined`,
      )
      return { action: 'decline' }
    }
    return ask(view, elicitation, signal, options)
  }
}

function ask(
  view: ElicitationView,
  elicitation: Elicitation,
  signal: AbortSignal,
  options: ElicitationOptions,
): Promise<ElicitationAnswer> {
  if (signal.aborted) return Promise.resolve({ action: 'cancel' })
  const title = `${'server' in view ? view.server : ''} asks`
  const place = { viewColumn: vscode.ViewColumn.Active, preserveFocus: true }
  const panel = vscode.window.createWebviewPanel('gatehouse.elicitation', title, place)
  panel.iconPath = vscode.Uri.joinPath(options.extensionUri, 'media', 'gatehouse.svg')
  return new Promise((resolve) => {
    const settle = (answer: ElicitationAnswer) => {
      resolve(answer)
      signal.removeEventListener('abort', cancel)
      receiving.dispose()
      panel.dispose()
    }
    const cancel = () => settle({ action: 'cancel' })
    const receiving = receiveFrom(panel.webview, 'elicitation', ElicitationRequest, options.log, (request) => {
      switch (request.kind) {
        case 'ready':
          return void panel.webview.postMessage(view)
        case 'decline':
        case 'cancel':
          return settle({ action: request.kind })
        case 'accept':
          return void accepted(request, view, elicitation, panel.webview, settle)
      }
    })
    signal.addEventListener('abort', cancel, { once: true })
    panel.onDidDispose(cancel)
    preparePage(panel.webview, options.extensionUri, 'elicitation')
  })
}

async function accepted(
  request: ElicitationRequest & { kind: 'accept' },
  view: ElicitationView,
  elicitation: Elicitation,
  webview: vscode.Webview,
  settle: (answer: ElicitationAnswer) => void,
): Promise<void> {
  if (view.kind === 'form') {
    const answer = checkAnswer(view.fields, request.content ?? {})
    if (answer.kind === 'valid') settle({ action: 'accept', content: answer.content })
    else await webview.postMessage({ kind: 'problems', problems: answer.problems } satisfies ElicitationView)
    return
  }
  if (elicitation.mode !== 'url') return
  const opened = await openExternal(elicitation.url)
  settle({ action: opened ? 'accept' : 'cancel' })
}

function viewOf(elicitation: Elicitation, server: string): ElicitationView | undefined {
  const message = shown(elicitation.message)
  try {
    if (elicitation.mode === 'form')
      return { kind: 'form', server, message, fields: [...formFields(elicitation.schema)] }
    const url = new URL(elicitation.url)
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
    // WHATWG `host` is punycode: a domain written with look-alike letters does not pass for another.
    return { kind: 'url', server, message, url: shown(url.href), domain: url.host, secure: url.protocol === 'https:' }
  } catch {
    return undefined
  }
}
