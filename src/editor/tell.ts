import * as vscode from 'vscode'
import { codeOf, explain, type Remedy } from './errors.ts'
import type { Log } from './log.ts'

/** What the person did themselves is no error to them. */
const CHOSEN: readonly string[] = ['sign_in_cancelled', 'cancelled', 'approval_rejected']

/** Tells the person about a failure, with the one button that helps, and writes it to the log. */
export type Tell = (error: unknown) => void

export function createTell(log: Log): Tell {
  return (error) => {
    const { code, title, explanation, action } = explain(codeOf(error))
    log.error(`${code}: ${error instanceof Error ? error.message : String(error)}`)
    if (code === 'unexpected' && error instanceof Error) log.debug(error.stack ?? '')
    const show = CHOSEN.includes(code) ? vscode.window.showInformationMessage : vscode.window.showErrorMessage
    void offer(show(`Gatehouse: ${title}. ${explanation}`, ...(action ? [action.label] : [])), action)
  }
}

async function offer(choice: Thenable<string | undefined>, action: Remedy | undefined): Promise<void> {
  if (action && (await choice) === action.label) await vscode.commands.executeCommand(action.command)
}
