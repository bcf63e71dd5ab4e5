import * as vscode from 'vscode'

/**
 * Opens a page in the person's browser. Browser-served VS Code turns `127.0.0.1:PORT` into a path of its own port proxy, where a sign-in page
 * cannot work: its origin is its identity (RFC 8414), and its cookies name its own paths. `127.1` is the same host for every browser (WHATWG
 * URL, IPv4 parser) in a spelling that is left alone.
 */
export async function openExternal(url: string): Promise<boolean> {
  const uri = vscode.Uri.parse(url, true)
  const served = vscode.env.uiKind === vscode.UIKind.Web
  const authority = served ? uri.authority.replace(/^127\.0\.0\.1(?=:|$)/, '127.1') : uri.authority
  return vscode.env.openExternal(uri.with({ authority }))
}
