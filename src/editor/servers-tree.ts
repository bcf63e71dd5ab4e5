import * as vscode from 'vscode'
import type { ServerNode } from './server-nodes.ts'

export interface ServersTree extends vscode.Disposable {
  /** @param problem why there is nothing to show, in a few words; it stands beside the view's title */
  show(nodes: readonly ServerNode[], problem: string | undefined): void
  /** Rows of the root as they are shown now. */
  nodes(): readonly ServerNode[]
}

/** The Servers view. What it shows is made elsewhere, as data. */
export function createServersTree(): ServersTree {
  let roots: readonly ServerNode[] = []
  const changed = new vscode.EventEmitter<undefined>()
  const view = vscode.window.createTreeView<ServerNode>('gatehouse.servers', {
    showCollapseAll: true,
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => [...(node?.children ?? roots)],
      getTreeItem: treeItem,
    },
  })
  return {
    show(nodes, problem) {
      view.description = problem ?? ''
      if (JSON.stringify(nodes) === JSON.stringify(roots)) return
      roots = nodes
      changed.fire(undefined)
    },
    nodes: () => roots,
    dispose() {
      view.dispose()
      changed.dispose()
    },
  }
}

function treeItem(node: ServerNode): vscode.TreeItem {
  const item = new vscode.TreeItem(node.label, collapsibleState(node))
  item.id = node.id
  item.tooltip = node.tooltip
  item.contextValue = node.kind
  item.iconPath = new vscode.ThemeIcon(
    node.icon,
    node.color === undefined ? undefined : new vscode.ThemeColor(node.color),
  )
  if (node.description !== undefined) item.description = node.description
  item.accessibilityInformation = { label: [node.label, node.description, node.tooltip].filter(Boolean).join(', ') }
  return item
}

function collapsibleState(node: ServerNode): vscode.TreeItemCollapsibleState {
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState
  if (node.children.length === 0) return None
  return node.expanded ? Expanded : Collapsed
}
