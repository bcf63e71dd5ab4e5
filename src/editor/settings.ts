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
  /** Empty: the registry names the client. */
  clientId(): string | undefined
  clientMetadataUrl(): string | undefined
  /** How long before its end a sign-in says so, milliseconds. */
  warnBefore(): number
  notify(): z.infer<typeof NotifySetting>
  logLevel(): z.infer<typeof LogLevel>
}

/** Minutes. */
const WarnBefore = z.number().min(1).max(1440)

export function readSettings(): Settings {
  const read = (name: string): unknown => vscode.workspace.getConfiguration(SECTION).get(name)
  const text = (name: string): string | undefined => z.string().catch('').parse(read(name)).trim() || undefined
  return {
    registryUrl: () => z.string().catch('').parse(read('registryUrl')).trim(),
    redirect: () => RedirectSetting.catch('auto').parse(read('signIn.redirect')),
    clientId: () => text('signIn.clientId'),
    clientMetadataUrl: () => text('signIn.clientMetadataUrl'),
    warnBefore: () => WarnBefore.catch(15).parse(read('signIn.warnBefore')) * 60_000,
    notify: () => NotifySetting.catch('when-hidden').parse(read('plans.notify')),
    logLevel: () => LogLevel.catch('info').parse(read('log.level')),
  }
}

/** Fixed for a window: sign-in, keys and lists belong to them. */
const FIXED = ['registryUrl', 'signIn.clientId', 'signIn.clientMetadataUrl'].map((name) => `${SECTION}.${name}`)

/** A change of what is fixed for a window asks for a reload. */
export function offerReload(): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(async (event) => {
    if (!FIXED.some((name) => event.affectsConfiguration(name))) return
    const reload = 'Reload Window'
    const choice = await vscode.window.showInformationMessage(
      'Gatehouse uses the new setting after a reload of the window.',
      reload,
    )
    if (choice === reload) await vscode.commands.executeCommand('workbench.action.reloadWindow')
  })
}
