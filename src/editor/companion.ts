import { cp } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GatehouseError } from '@gatehouse/contracts'
import * as vscode from 'vscode'

const FOLDER = 'gatehouse-companion'

/** `companion_missing`, `companion_exists` */
class CompanionError extends GatehouseError {}

/** Copies the companion (registry, identity provider, servers, command line) to a folder of the person's choice and opens it. */
export async function openCompanion(extensionPath: string): Promise<void> {
  const source = join(extensionPath, 'dist', 'companion')
  if (!existsSync(join(source, 'package.json'))) throw new CompanionError('companion_missing', `${source} is not there`)
  const [parent] =
    (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: false,
      openLabel: 'Copy Here',
      title: `Choose where the folder ${FOLDER} goes`,
    })) ?? []
  if (!parent) return
  const target = join(parent.fsPath, FOLDER)
  if (existsSync(target)) throw new CompanionError('companion_exists', `${target} exists`)
  const options = { location: vscode.ProgressLocation.Notification, title: 'Copying the companion workspace' }
  await vscode.window.withProgress(options, () =>
    cp(source, target, { recursive: true, errorOnExist: true, force: false }),
  )
  const open = 'Open Folder'
  const choice = await vscode.window.showInformationMessage(
    'The companion workspace is ready. In it, run "npm ci" once, then "npm start"; its README says more.',
    open,
  )
  if (choice === open)
    await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(target), { forceNewWindow: true })
}
