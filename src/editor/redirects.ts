import * as vscode from 'vscode'
import type { RedirectFactory, RedirectKind } from '../session/redirect/redirect.ts'
import type { UriHandler } from '../session/redirect/uri-handler.ts'
import type { CodeBox } from './code-box.ts'
import type { Settings } from './settings.ts'

/** Schemes that editors register with the operating system and that identity providers know for `gatehouse-vscode`. */
const KNOWN_SCHEMES: readonly string[] = ['vscode', 'vscode-insiders', 'code-oss']

/** How the answer of the sign-in page comes back: as the setting says, else as fits the place the editor runs in. */
export function createRedirects(options: {
  settings: Settings
  uriHandler: UriHandler
  codeBox: CodeBox
}): RedirectFactory {
  return async (issuer) => {
    const kind = await redirectKind(options.settings.redirect())
    switch (kind) {
      case 'uri-handler': {
        const { uriHandlerRedirect } = await import('../session/redirect/uri-handler.ts')
        return uriHandlerRedirect(options.uriHandler)
      }
      case 'loopback': {
        const { loopbackRedirect } = await import('../session/redirect/loopback.ts')
        return loopbackRedirect()
      }
      case 'pasted': {
        const { pastedRedirect, readPasted } = await import('../session/redirect/pasted.ts')
        const check = (text: string) => {
          try {
            readPasted(text)
            return undefined
          } catch {
            return 'This is not the whole code. Use the copy button of the sign-in page, or paste the page’s whole address.'
          }
        }
        return pastedRedirect(issuer, (signal) => options.codeBox.ask(check, signal))
      }
    }
  }
}

async function redirectKind(setting: ReturnType<Settings['redirect']>): Promise<RedirectKind> {
  const uiKind = vscode.env.uiKind === vscode.UIKind.Web ? 'web' : 'desktop'
  // In a browser-served editor neither a link nor a port leads back here, whatever the setting says.
  if (uiKind === 'web' || setting === 'paste') return 'pasted'
  if (setting !== 'auto') return setting
  const { chooseRedirect } = await import('../session/redirect/redirect.ts')
  return chooseRedirect({
    uiKind,
    remote: vscode.env.remoteName !== undefined,
    uriHandlerWorks: KNOWN_SCHEMES.includes(vscode.env.uriScheme),
  })
}
