import * as vscode from 'vscode'
import { z } from 'zod'

const SECTION = 'gatehouse'

const RedirectSetting = z.enum(['auto', 'uri-handler', 'loopback', 'paste'])
const NotifySetting = z.enum(['when-hidden', 'always', 'never'])
const LogLevel = z.enum(['error', 'warn', 'info', 'debug'])

/** The settings as they are now. A value of the wrong shape counts as the default. */
export interface Settings {
  registryUrl(): string
  redirect(): z.infer<typeof RedirectSetting>
  notify(): z.infer<typeof NotifySetting>
  logLevel(): z.infer<typeof LogLevel>
}

export function readSettings(): Settings {
  const read = (name: string): unknown => vscode.workspace.getConfiguration(SECTION).get(name)
  return {
    registryUrl: () => z.string().catch('').parse(read('registryUrl')).trim(),
    redirect: () => RedirectSetting.catch('auto').parse(read('signIn.redirect')),
    notify: () => NotifySetting.catch('when-hidden').parse(read('plans.notify')),
    logLevel: () => LogLevel.catch('info').parse(read('log.level')),
  }
}

/** The registry's address is fixed for a window: sign-in, keys and lists belong to it. So a change asks for a reload. */
export function offerReloadOnRegistryChange(): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(async (event) => {
    if (!event.affectsConfiguration(`${SECTION}.registryUrl`)) return
    const reload = 'Reload Window'
    const choice = await vscode.window.showInformationMessage(
      'Gatehouse uses the new registry address after a reload of the window.',
      reload,
    )
    if (choice === reload) await vscode.commands.executeCommand('workbench.action.reloadWindow')
  })
}
