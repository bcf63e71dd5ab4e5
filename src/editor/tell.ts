import * as vscode from 'vscode'
import { codeOf, explain } from './errors.ts'
import type { Log } from './log.ts'

/** Tells the person about a failure, with the one button that helps, and writes it to the log. */
export type Tell = (error: unknown) => void

export function createTell(log: Log): Tell {
  return (error) => {
    const { code, title, explanation, action } = explain(codeOf(error))
    log.error(`${code}: ${error instanceof Error ? error.message : String(error)}`)
    if (code === 'unexpected' && error instanceof Error) log.debug(error.stack ?? '')
    void show(`Gatehouse: ${title}. ${explanation}`, action)
  }
}

async function show(text: string, action: { label: string; command: string } | undefined): Promise<void> {
  const choice = await vscode.window.showErrorMessage(text, ...(action ? [action.label] : []))
  if (action && choice === action.label) await vscode.commands.executeCommand(action.command)
}
