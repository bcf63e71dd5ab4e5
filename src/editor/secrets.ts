import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as vscode from 'vscode'
import type { Keytar } from '../session/keychain.ts'
import type { SecretStore } from '../session/types.ts'

/** keytar stands beside the bundle, whole: its native part cannot be bundled. Rejects where there is no binary for this machine. */
export function keytarLoader(extensionPath: string): () => Promise<Keytar> {
  return async () => {
    const load = createRequire(join(extensionPath, 'dist', 'extension.cjs'))
    return load('./keytar') as Keytar
  }
}

/** The editor's SecretStorage: encrypted by the editor, one per extension, and told of changes in other windows. */
export function editorSecrets(secrets: vscode.SecretStorage): SecretStore {
  return {
    label: "the editor's secret storage",
    get: async (key) => secrets.get(key),
    set: async (key, value) => secrets.store(key, value),
    delete: async (key) => secrets.delete(key),
    onChange(listener) {
      const subscription = secrets.onDidChange(({ key }) => listener(key))
      return () => void subscription.dispose()
    },
  }
}
