import * as vscode from 'vscode'
import type { Bridge, BridgeDefinition } from '../bridge/types.ts'
import type { Session } from '../session/types.ts'
import type { Lazy } from './lazy.ts'
import type { Log } from './log.ts'

/**
 * Offers every approved server to the editor's own chat, as the bridge defines them. Nothing is offered, and no bridge started, while
 * nobody is signed in; so a sign-in makes the editor ask again.
 */
export function registerMcpServers(options: {
  session: Lazy<Session>
  bridge: Lazy<Bridge>
  log: Log
}): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>()
  options.session.whenReady((session) => session.onChange(() => changed.fire()))
  options.bridge.whenReady((bridge) => bridge.onChange(() => changed.fire()))
  const registration = vscode.lm.registerMcpServerDefinitionProvider('gatehouse.servers', {
    onDidChangeMcpServerDefinitions: changed.event,
    async provideMcpServerDefinitions() {
      try {
        const session = await options.session.get()
        await session.restored
        if (session.state().kind !== 'signed-in') return []
        return (await options.bridge.get()).definitions().map(mcpServer)
      } catch (error) {
        options.log.error(`bridge_unavailable: ${error instanceof Error ? error.message : String(error)}`)
        return []
      }
    },
    async resolveMcpServerDefinition(server) {
      const bridge = await options.bridge.get()
      const definition = bridge.definitions().find((candidate) => isDefinition(server, candidate))
      const resolved = definition && bridge.resolve(definition.id)
      return resolved && mcpServer(resolved)
    },
  })
  return vscode.Disposable.from(changed, registration)
}

/** The editor hands back a definition that it may have copied; two servers may share a label, but never an address. */
function isDefinition(server: vscode.McpServerDefinition, candidate: BridgeDefinition): boolean {
  if (!('uri' in server)) return false
  return server.label === candidate.label && server.uri.toString() === vscode.Uri.parse(candidate.uri, true).toString()
}

function mcpServer(definition: BridgeDefinition): vscode.McpHttpServerDefinition {
  return new vscode.McpHttpServerDefinition(
    definition.label,
    vscode.Uri.parse(definition.uri, true),
    { ...definition.headers },
    definition.version,
  )
}
