import * as vscode from 'vscode'
import type { ServerNode } from './server-nodes.ts'
import type { Tell } from './tell.ts'

/** What each command does; a row's command is given the row. */
export interface Commands {
  signIn(): Promise<unknown>
  signOut(): Promise<void>
  pasteCode(): void
  cancelSignIn(): void
  refresh(): Promise<void>
  showPlans(): Promise<void>
  approveAll(): Promise<void>
  rejectAll(): Promise<void>
  showLog(): void
  openSettings(): Promise<void>
  openWalkthrough(): Promise<void>
  openCompanion(): Promise<void>
  copySupport(node: ServerNode): Promise<void>
  showDetails(node: ServerNode): Promise<void>
}

/** Registers `gatehouse.<name>` for each; whatever one throws is told to the person. */
export function registerCommands(commands: Commands, tell: Tell): vscode.Disposable {
  const registrations = Object.entries(commands).map(([name, run]: [string, (node: ServerNode) => unknown]) =>
    vscode.commands.registerCommand(`gatehouse.${name}`, async (node: ServerNode) => {
      try {
        await run(node)
      } catch (error) {
        tell(error, `gatehouse.${name}`)
      }
    }),
  )
  return vscode.Disposable.from(...registrations)
}

export async function copySupport(node: ServerNode): Promise<void> {
  if (node.supportChannel === undefined) return
  await vscode.env.clipboard.writeText(node.supportChannel)
  vscode.window.setStatusBarMessage(`Copied ${node.supportChannel}`, 3000)
}

/** The row's facts, readable at leisure and by a screen reader. */
export async function showDetails(node: ServerNode): Promise<void> {
  const facts = [
    node.tooltip,
    ...node.children.filter((child) => child.kind === 'tool').map((tool) => `${tool.label}: ${tool.description ?? ''}`),
  ]
  const copy = 'Copy Support Channel'
  const actions = node.supportChannel === undefined ? [] : [copy]
  const choice = await vscode.window.showInformationMessage(
    node.label,
    { modal: true, detail: facts.join('\n') },
    ...actions,
  )
  if (choice === copy) await copySupport(node)
}

/** In a window on another machine (SSH, container, browser) the settings of this extension are that machine's, on a page of their own. */
export async function openSettings(): Promise<void> {
  const query = '@ext:gatehouse.gatehouse'
  if (vscode.env.remoteName === undefined) await vscode.commands.executeCommand('workbench.action.openSettings', query)
  else await vscode.commands.executeCommand('workbench.action.openRemoteSettings', { query })
}

export async function openWalkthrough(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'gatehouse.gatehouse#start', false)
}
