import * as vscode from 'vscode'
import { codeOf, explain, type Remedy, RETRY } from './errors.ts'
import type { Log } from './log.ts'

/** What the person did themselves is no error to them. */
const CHOSEN: readonly string[] = ['sign_in_cancelled', 'cancelled', 'approval_rejected']

/** Tells the person about a failure, with the button that helps, and writes it to the log. `again` is the command that failed. */
export type Tell = (error: unknown, again?: string) => void

export function createTell(log: Log): Tell {
  return (error, again) => {
    const { code, title, explanation, action, also } = explain(codeOf(error))
    const remedies = [action, also].flatMap((remedy) => (remedy ? [repeating(remedy, again)] : []))
    log.error(`${code}: ${error instanceof Error ? error.message : String(error)}`)
    if (code === 'unexpected' && error instanceof Error) log.debug(error.stack ?? '')
    const show = CHOSEN.includes(code) ? vscode.window.showInformationMessage : vscode.window.showErrorMessage
    void offer(show(`Gatehouse: ${title}. ${explanation}`, ...remedies.map(({ label }) => label)), remedies)
  }
}

function repeating(remedy: Remedy, again: string | undefined): Remedy {
  return remedy === RETRY && again !== undefined ? { ...remedy, command: again } : remedy
}

async function offer(choice: Thenable<string | undefined>, remedies: readonly Remedy[]): Promise<void> {
  const label = await choice
  const chosen = remedies.find((remedy) => remedy.label === label)
  if (chosen) await vscode.commands.executeCommand(chosen.command)
}
